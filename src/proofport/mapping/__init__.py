"""The mapping language: files of rules, compiled to fast functions from raw documents to evidence and on to bodies."""

from proofport.mapping.compile.fields import compile_skips
from proofport.mapping.compile.source import SourceMapping, compile_kind, compile_source, id_of_evidence, model_for
from proofport.mapping.compile.vendor import VendorMapping, compile_vendor, encode
from proofport.mapping.language.nodes import MappingFile, Vendor
from proofport.mapping.language.syntax import load_file
from proofport.mapping.library import MappingLibrary, builtin_folder, to_copy
from proofport.mapping.possible import check_possible
from proofport.mapping.selftest import TestResult, run_tests

__all__ = [
    "MappingFile",
    "MappingLibrary",
    "SourceMapping",
    "TestResult",
    "Vendor",
    "VendorMapping",
    "builtin_folder",
    "check_possible",
    "compile_kind",
    "compile_skips",
    "compile_source",
    "compile_vendor",
    "encode",
    "id_of_evidence",
    "load_file",
    "model_for",
    "run_tests",
    "to_copy",
]
