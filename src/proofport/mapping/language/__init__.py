"""The mapping language: files of YAML to checked rules."""

from proofport.mapping.language.nodes import MappingFile, Vendor
from proofport.mapping.language.syntax import load_file

__all__ = ["MappingFile", "Vendor", "load_file"]
