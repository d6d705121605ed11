"""Readers: NDJSON, JSON and CSV, from a file, standard input or a binary stream, in constant memory."""

from proofport.sources.detect import Format, open_source
from proofport.sources.ndjson import BLANK, NdjsonReader
from proofport.sources.reader import Malformed, Reader, share_read

__all__ = ["BLANK", "Format", "Malformed", "NdjsonReader", "Reader", "open_source", "share_read"]
