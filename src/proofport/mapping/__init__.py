"""The mapping language: files of rules, compiled to fast functions from raw documents to evidence and on to bodies."""

from proofport.mapping.library import MappingLibrary, builtin_folder
from proofport.mapping.nodes import MappingFile
from proofport.mapping.selftest import TestResult, run_tests
from proofport.mapping.source import SourceMapping, compile_kind, compile_source
from proofport.mapping.syntax import load_file
from proofport.mapping.vendor import VendorMapping, compile_vendor

__all__ = [
    "MappingFile",
    "MappingLibrary",
    "SourceMapping",
    "TestResult",
    "VendorMapping",
    "builtin_folder",
    "compile_kind",
    "compile_source",
    "compile_vendor",
    "load_file",
    "run_tests",
]
