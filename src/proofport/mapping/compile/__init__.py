"""Rules to one Python function: source mappings, vendor mappings, and the check of evidence as it stands."""

from proofport.mapping.compile.source import SourceMapping, compile_kind, compile_source, model_for
from proofport.mapping.compile.vendor import VendorMapping, compile_vendor, encode

__all__ = ["SourceMapping", "VendorMapping", "compile_kind", "compile_source", "compile_vendor", "encode", "model_for"]
