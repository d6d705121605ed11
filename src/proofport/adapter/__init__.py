"""The adapter contract. An adapter knows one vendor: its bodies, its calls in their order, its answers.

`contract` holds what every vendor has, `optional` what some vendors can do, `values` the values both speak in.
Adapters are pure. A conversation with a vendor is a generator: it yields a `Call` and is sent its `Reply`. Every flow
is short (one opening, one batch, one page, one completion). The engine does the I/O, the loops, the retries, the guard
and the books, so that no adapter can forget them.
"""

from proofport.adapter.contract import Adapter as Adapter
from proofport.adapter.contract import Auth as Auth
from proofport.adapter.contract import Resource as Resource
from proofport.adapter.contract import StaticHeaders as StaticHeaders
from proofport.adapter.contract import Token as Token
from proofport.adapter.contract import TokenFlow as TokenFlow
from proofport.adapter.optional import Admission as Admission
from proofport.adapter.optional import Checks as Checks
from proofport.adapter.optional import Ends as Ends
from proofport.adapter.optional import HasOperations as HasOperations
from proofport.adapter.optional import Lists as Lists
from proofport.adapter.optional import ListsWhole as ListsWhole
from proofport.adapter.optional import MakesSchema as MakesSchema
from proofport.adapter.optional import Matches as Matches
from proofport.adapter.optional import Opens as Opens
from proofport.adapter.optional import Provisions as Provisions
from proofport.adapter.optional import ReadsBack as ReadsBack
from proofport.adapter.optional import Replaces as Replaces
from proofport.adapter.optional import Schema as Schema
from proofport.adapter.optional import Splits as Splits
from proofport.adapter.optional import Stages as Stages
from proofport.adapter.optional import Tombstone as Tombstone
from proofport.adapter.values import Answer as Answer
from proofport.adapter.values import Batch as Batch
from proofport.adapter.values import Blueprint as Blueprint
from proofport.adapter.values import Body as Body
from proofport.adapter.values import Credential as Credential
from proofport.adapter.values import Finding as Finding
from proofport.adapter.values import Flow as Flow
from proofport.adapter.values import Job as Job
from proofport.adapter.values import LastDelivered as LastDelivered
from proofport.adapter.values import Limits as Limits
from proofport.adapter.values import Memory as Memory
from proofport.adapter.values import Mode as Mode
from proofport.adapter.values import ObjectSettings as ObjectSettings
from proofport.adapter.values import Observed as Observed
from proofport.adapter.values import Operation as Operation
from proofport.adapter.values import Page as Page
from proofport.adapter.values import Provisioned as Provisioned
from proofport.adapter.values import ReadBack as ReadBack
from proofport.adapter.values import Settings as Settings
from proofport.adapter.values import Walk as Walk
