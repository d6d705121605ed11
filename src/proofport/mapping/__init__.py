"""The mapping language: files of rules, compiled to fast functions from raw documents to evidence and on to bodies."""

from proofport.mapping.compile.evidence import compile_kind as compile_kind
from proofport.mapping.compile.evidence import id_of_evidence as id_of_evidence
from proofport.mapping.compile.evidence import model_for as model_for
from proofport.mapping.compile.fields import compile_skips as compile_skips
from proofport.mapping.compile.source import SourceMapping as SourceMapping
from proofport.mapping.compile.source import compile_source as compile_source
from proofport.mapping.compile.vendor import VendorMapping as VendorMapping
from proofport.mapping.compile.vendor import compile_vendor as compile_vendor
from proofport.mapping.compile.vendor import encode as encode
from proofport.mapping.language.nodes import MappingFile as MappingFile
from proofport.mapping.language.nodes import Vendor as Vendor
from proofport.mapping.language.syntax import load_file as load_file
from proofport.mapping.library import MappingLibrary as MappingLibrary
from proofport.mapping.library import builtin_folder as builtin_folder
from proofport.mapping.library import to_copy as to_copy
from proofport.mapping.possible import check_possible as check_possible
from proofport.mapping.selftest import TestResult as TestResult
from proofport.mapping.selftest import run_tests as run_tests
