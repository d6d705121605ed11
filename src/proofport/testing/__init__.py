"""For those who write an adapter or an emulator: the parts that their tests need."""

from proofport.testing.emulator import Emulator as Emulator
from proofport.testing.emulator import VendorError as VendorError
from proofport.testing.emulator import cursor_of as cursor_of
from proofport.testing.emulator import document as document
from proofport.testing.emulator import json_body as json_body
from proofport.testing.emulator import json_response as json_response
from proofport.testing.emulator import object_shown as object_shown
from proofport.testing.emulator import resolved as resolved
from proofport.testing.emulator import start_of as start_of
from proofport.testing.emulator_behaviours import Behaviour as Behaviour
from proofport.testing.emulator_behaviours import Switches as Switches
from proofport.testing.emulator_behaviours import assumed as assumed
from proofport.testing.emulator_behaviours import client_only as client_only
from proofport.testing.emulator_behaviours import documented as documented
from proofport.testing.emulator_behaviours import observed as observed
from proofport.testing.emulator_control import obeying as obeying
from proofport.testing.emulator_faults import FAULTS as FAULTS
from proofport.testing.emulator_faults import Faults as Faults
from proofport.testing.emulator_faults import cut as cut
from proofport.testing.emulator_faults import listed as listed
from proofport.testing.emulator_recording import Recording as Recording
from proofport.testing.emulator_recording import Replay as Replay
from proofport.testing.emulator_recording import replays as replays
from proofport.testing.running import Running as Running
from proofport.testing.running import running as running
from proofport.testing.running import serve as serve
