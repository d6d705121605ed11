"""Readers: what files, standard input, binary streams and functions of Python hold, as documents with their places."""

from proofport.sources.detect import Format, open_source
from proofport.sources.ndjson import BLANK, NdjsonReader
from proofport.sources.reader import Malformed, Reader, share_read

__all__ = ["BLANK", "Format", "Malformed", "NdjsonReader", "Reader", "open_source", "share_read"]
