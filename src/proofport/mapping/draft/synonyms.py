"""Names that tools give to what evidence calls otherwise: for each field, sure ones and ones to check.

A name is written without case, blanks and punctuation. `noun` names, such as `instance` in `instanceId`, are taken off
before names are compared (`names.py`). This is knowledge of words alone: nothing here knows a tool's documents.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Names(NamedTuple):
    """The names of one field, best first."""

    sure: tuple[str, ...]
    #: Names that may mean something else.
    likely: tuple[str, ...] = ()


def _names(sure: str, likely: str = "") -> Names:
    return Names(tuple(sure.split()), tuple(likely.split()))


_EMAIL = _names(
    "email emailaddress workemail companyemail primaryemail useremail personemail emailid mail workmail emails "
    "mbox emailaddresses",
    "userprincipalname upn login username accountname businessemail contactemail address",
)
_FIRST_NAME = _names("firstname givenname first forename legalfirstname namegivenname namefirst namegiven")
_LAST_NAME = _names("lastname familyname surname last sn legallastname namefamilyname namelast namefamily")
_SECONDARY_EMAIL = _names(
    "secondaryemail personalemail homeemail alternateemail otheremail recoveryemail privateemail backupemail",
    "otheremails secondemail",
)
_MFA_ENABLED = _names(
    "mfaenabled mfaconfigured mfa ismfaenabled hasmfa mfaactive twofactorenabled "
    "twofactorauthentication 2fa 2faenabled "
    "isenrolledin2sv twofactor ismfaregistered twofactorauth has2fa multifactorenabled",
    "isenforcedin2sv mfastatus mfaregistered mfacapable mfaenforced ismfacapable 2fastatus",
)
_CREATED = (
    "createdat created creationdate createdate createtime creationtime createdtime createddate datecreated timecreated "
    "createdon createddatetime creationdatetime createtimestamp creationtimestamp createdtimestamp insertedat "
    "metacreated"
)

PERSON = {
    "email": _EMAIL,
    "secondary_email": _SECONDARY_EMAIL,
    "first_name": _FIRST_NAME,
    "last_name": _LAST_NAME,
    "job_title": _names("jobtitle title businesstitle position role jobname positiontitle worktitle", "job occupation"),
    "manager_id": _names(
        "managerid managervalue supervisorid reportstoid supervisoreid managereid", "manageremployeeid"
    ),
    "manager_name": _names("managername managerdisplayname supervisorname supervisor manager reportsto linemanager"),
    "customer_id": _names("customerid"),
    "avatar_url": _names(
        "avatarurl photourl avatar pictureurl thumbnailphotourl photo photos profilepicture", "imageurl picture"
    ),
    "started_at": _names(
        "startedat startdate hiredate hiredon hired employmentstartdate dateofhire datehired employeehiredate "
        "joiningdate joindate joineddate joinedat dateofjoining commencementdate",
        "start originalhiredate created",
    ),
    "separated_at": _names(
        "separatedat terminationdate terminatedat enddate employmentenddate leavedate leavingdate lastday "
        "employeeleavedatetime dateofleaving exitdate separationdate terminated lastworkingday lastdayofwork",
        "end leftat",
    ),
    "is_contractor": _names(
        "iscontractor contractor", "employmenttype employeetype workertype contracttype employmentstatus usertype"
    ),
    "mfa_enabled": _MFA_ENABLED,
}
ACCOUNT = {
    "email": _EMAIL,
    "secondary_email": _SECONDARY_EMAIL,
    "username": _names(
        "username login userlogin loginname logonname samaccountname userprincipalname upn handle accountname",
        "screenname nickname name",
    ),
    "first_name": _FIRST_NAME,
    "preferred_first_name": _names("preferredfirstname preferredname knownas", "nickname calledname"),
    "last_name": _LAST_NAME,
    "full_name": _names("fullname displayname name realname personname completename nameformatted namefullname", "cn"),
    "system": _names("system application app appname applicationname", "service tenant"),
    "url": _names("htmlurl weburl profileurl url link permalink", "selflink self href metalocation location"),
    "roles": _names("roles role groups userroles rolenames permissions group", "teams orgrole accesslevel"),
    "admin": _names("admin isadmin administrator isadministrator superuser issuperuser isorgadmin superadmin"),
    "permission_level": _names("permissionlevel accesslevel", "permission access"),
    "active": _names(
        "active isactive enabled isenabled accountenabled userenabled",
        "status state accountstatus userstatus suspended issuspended disabled isdisabled "
        "deactivated locked archived deleted blocked",
    ),
    "auth_method": _names(
        "authmethod authenticationmethod signinmethod loginmethod authtype", "authprovider identityprovider"
    ),
    "mfa_enabled": _MFA_ENABLED,
    "mfa_methods": _names(
        "mfamethods factors mfafactors authenticationmethods mfatypes",
        "mfamethod defaultmfamethod twofactortype mfatype",
    ),
    "created_at": _names(_CREATED, "signupdate registeredat invitedat joinedat dateadded addedat"),
    "deactivated_at": _names(
        "deactivatedat disabledat suspendedat deletedat lockedat closedat deactivationdate dateddeactivated archivedat",
        "deletiontime deleteddatetime",
    ),
    "last_login_at": _names(
        "lastloginat lastlogin lastlogintime lastsignin lastsigninat lastlogon lastlogondate lastsignindatetime "
        "lastlogindate lastloggedin lastloggedinat passwordlastused lastlogintimestamp",
        "lastactivity lastactive lastseen lastactivedate lastactivityat lastseenat lastaccess lastaccessed",
    ),
}
TRAINING = {
    "email": _EMAIL,
    "full_name": _names(
        "fullname displayname name username learnername employeename studentname participant", "user learner employee"
    ),
    "username": _names("username login userlogin loginname accountname"),
    "course": _names(
        "course coursecode modulecode courseid coursekey coursename modulename trainingname training "
        "module coursetitle campaignname "
        "contentname courseshortname slug",
        "title name content campaign policyname objectid activityid activity",
    ),
    "title": _names("title coursetitle coursefullname moduletitle trainingtitle", "coursename modulename contentname"),
    "url": _names("url link assignmenturl enrollmenturl", "selflink href"),
    "frameworks": _names("frameworks framework standards", "tags"),
    "completed_at": _names(
        "completedat completeddate completiondate datecompleted completed completedon completeon finishedat finished "
        "completiontime completedtime passedat completeddatetime",
        "enddate end passed timestamp",
    ),
    "assigned_at": _names(
        "assignedat assigneddate assigned dateassigned enrollmentdate enrolledat enrolled dateenrolled assignmentdate "
        "enrolmentdate assignedon",
        "createdat created startdate starteddate",
    ),
    "due_at": _names("dueat duedate due deadline duedatetime dueon duetime", "expirydate expires expirationdate"),
    "score": _names(
        "score scoreraw grade result quizscore percent percentage points finalscore", "mark marks scorescaled"
    ),
}
DEVICE = {
    "name": _names(
        "name devicename hostname computername displayname machinename assetname systemname host",
        "fqdn netbiosname label localhostname",
    ),
    "owner_email": _names(
        "owneremail useremail email emailaddress assigneduseremail primaryuseremail assignedtoemail workemail",
        "upn userprincipalname user assignedto owner assigneduser primaryuser username users endusers "
        "deviceusers devicemapping userandlocation",
    ),
    "owner_id": _names("ownerid", "userid"),
    "url": _names("url link weburl deviceurl", "selflink"),
    "platform": _names(
        "platform osplatform operatingsystem os ostype osfamily platformname platformtype", "osname devicetype model"
    ),
    "os_name": _names("osname operatingsystem os operatingsystemname", "platform osplatform"),
    "os_version": _names(
        "osversion operatingsystemversion systemversion osversionnumber version osbuildversion", "osbuild build"
    ),
    "make": _names("make manufacturer vendor hardwarevendor brand devicemanufacturer systemmanufacturer"),
    "model": _names(
        "model modelname hardwaremodel devicemodel productname modelidentifier systemmodel", "product modelnumber"
    ),
    "serial_number": _names(
        "serialnumber serial serialno hardwareserial deviceserialnumber assetserial sn", "servicetag"
    ),
    "uuid": _names("uuid udid hardwareuuid deviceuuid machineguid azureaddeviceid", "guid deviceid"),
    "mac_address": _names(
        "macaddress mac wifimacaddress wifimac ethernetmacaddress primarymac primarymacaddress ethernetmac",
        "macaddresses altmacaddress",
    ),
    "ip_address": _names(
        "ipaddress ip primaryip lastipaddress lastreportedip localip privateip", "ipaddresses publicip externalip"
    ),
    "cpu": _names("cpu processor cpubrand processortype cputype processorname", "processorarchitecture"),
    "memory": _names(
        "memory ram ramtotal systemramtotal memorycapacity totalmemory totalram physicalmemory memorygb "
        "memorymb memorybytes rammb ramgb physicalmemoryinbytes",
        "totalrammegabytes memorysize",
    ),
    "enrolled_at": _names(
        "enrolledat enrolleddatetime enrollmentdate lastenrolledat firstenrollment lastenrollment lastenrolleddateutc "
        "enrolled dateenrolled enrolmentdate",
        "createdat created create creation firstseen firstsync registered registration",
    ),
    "last_seen_at": _names(
        "lastseenat lastseen lastcheckin lastsyncdatetime lastcontact lastcontacttime seentime lastreportdate lastsync "
        "lastcheckindate lastcontactdate lastsynctime lastonline",
        "lastupdated detailupdatedat updatedat lastactivity lastactive reportdate",
    ),
    "active": _names("active isactive", "status state enabled online devicestate"),
    "managed": _names(
        "managed ismanaged mdmenabled mdmenrolled isenrolled enrolledinmdm mdmmanaged",
        "supervised issupervised mdm managementstate",
    ),
    "disk_encrypted": _names(
        "diskencrypted encrypted isencrypted diskencryption diskencryptionenabled "
        "fulldiskencryption encryptionenabled fde "
        "bitlockerenabled storageencrypted bitlocker encryptionstatus",
        "encryption filevaultstatus bitlockerstatus diskencryptionstatus",
    ),
    "filevault_enabled": _names("filevaultenabled filevault isfilevaultenabled filevault2status", "filevaultstatus"),
    "antivirus_enabled": _names(
        "antivirusenabled antivirus avenabled realtimeprotectionenabled antimalwareenabled",
        "antivirusstatus defenderenabled",
    ),
    "antivirus_software": _names("antivirussoftware antivirusname antivirusproduct avproduct"),
    "auto_update_enabled": _names("autoupdateenabled autoupdate automaticupdates autoupdates automaticupdatesenabled"),
    "firewall_enabled": _names("firewallenabled firewall isfirewallenabled firewallon", "firewallstatus firewallstate"),
    "password_required": _names(
        "passwordrequired passcodepresent passcodeset", "passcodecompliant password passcode devicepassword"
    ),
    "password_manager_enabled": _names("passwordmanagerenabled passwordmanager haspasswordmanager"),
    "screen_lock_enabled": _names("screenlockenabled screenlock screensaverenabled autolockenabled", "screensaver"),
    "screen_lock_after": _names("screenlockafter screenlocktimeout screenlockseconds"),
    "applications": _names(
        "applications apps software installedapplications installedsoftware installedapps", "programs"
    ),
    "drives": _names("drives volumes disks", "partitions"),
}
CLOUD_RESOURCE = {
    "account_id": _names(
        "accountid account subscriptionid projectid awsaccountid cloudaccountid accountnumber",
        "ownerid project owner subscription tenantid",
    ),
    "region": _names(
        "region regionslug regioncode regionid location awsregion regionname datacenter cloudregion homeregion", "zone"
    ),
    "name": _names("name displayname title label hostname namevalue resourcename", "identifier metadataname"),
    "description": _names("description desc", "comment notes summary"),
    "state": _names(
        "state status statename statecode lifecyclestate provisioningstate phase powerstate statusname",
        "health statusstate propertiesprovisioningstate",
    ),
    "owner_email": _names("owneremail contactemail", "owner createdby creator contact"),
    "url": _names("url link weburl consoleurl htmlurl permalink", "selflink webviewlink"),
    "created_at": _names(_CREATED, "launchtime timestamp propertiescreationtime metadatacreationtimestamp"),
    "encrypted": _names(
        "encrypted isencrypted storageencrypted encryptionenabled encryptedatrest encryptionatrest "
        "diskencrypted sseenabled",
        "encryption serversideencryption encryptionstatus",
    ),
    "public": _names(
        "public ispublic publiclyaccessible publicaccess endpointpublicaccess internetfacing",
        "scheme visibility exposure allowpublicaccess publicnetworkaccess allowblobpublicaccess",
    ),
    "mfa_enabled": _MFA_ENABLED,
    "tags": _names("tags labels taglist tagset tag", "usertags"),
}
FIELDS: Mapping[str, Mapping[str, Names]] = {
    "person": PERSON,
    "personnel_account": ACCOUNT,
    "training_record": TRAINING,
    "device": DEVICE,
    "cloud_resource": CLOUD_RESOURCE,
}

IDS: Mapping[str, Names] = {
    "person": _names(
        "id employeeid employeenumber personid workerid userid uuid guid externalid eid objectid", "number key sub"
    ),
    "personnel_account": _names("id accountid userid uuid guid objectid sub key arn uid memberid", "nodeid number"),
    "training_record": _names("id enrollmentid assignmentid recordid trainingid uuid completionid", "key number"),
    "device": _names(
        "id deviceid uid uuid udid hostid computerid serialnumber serial assetid hardwareuuid", "key guid assettag"
    ),
    "cloud_resource": _names("arn resourceid id selflink uid uuid resourcearn", "identifier key urn ocid fullname"),
}
ASSIGNED = (
    _names("userid learnerid employeeid personid studentid participantid memberid"),
    _names("courseid moduleid trainingid contentid activityid campaignid"),
)
"""Of a training: the ids of the person and of the course, which make one together."""
OTHER_IDS = _names("id uuid guid arn key", "number code identifier")

NOUNS: Mapping[str, tuple[str, ...]] = {
    "person": ("employee", "person", "worker", "user", "staff", "personal", "work"),
    "personnel_account": ("user", "account", "member", "profile", "login"),
    "training_record": ("enrollment", "assignment", "training", "record"),
    "device": ("device", "host", "computer", "machine", "asset", "endpoint", "hardware", "general"),
    "cloud_resource": ("resource", "properties", "metadata", "object"),
}
"""Words before a name that say what the record is, in any file."""

PROVIDERS = {
    "gcloud": "gcp",
    "google": "gcp",
    "az": "azure",
    "k8s": "kubernetes",
    "kubectl": "kubernetes",
    "do": "digitalocean",
}
"""Providers of clouds under the names of their programs."""
BESIDE: Mapping[str, Names] = {
    "completed_at": _names("status state result success passed outcome completion"),
    "separated_at": _names("status state employmentstatus active employeestatus"),
    "last_seen_at": _names("enrollmentstatus enrolmentstatus"),
}
"""Columns beside that of a field which may say when it counts: a course that was failed has an end, too."""
POSTURE = (
    *(
        "encrypted",
        "disk_encrypted",
        "filevault_enabled",
        "antivirus_enabled",
        "auto_update_enabled",
        "firewall_enabled",
    ),
    *("password_required", "password_manager_enabled", "screen_lock_enabled", "mfa_enabled", "managed", "public"),
)
"""Flags for which some tools write false where they do not know."""

PARTS: Mapping[str, Mapping[str, Names]] = {
    "tags": {"key": _names("key name tagkey k"), "value": _names("value tagvalue v")},
    "applications": {
        "name": _names("name displayname appname applicationname title"),
        "version": _names(
            "version versionname shortversion appversion displayversion bundleshortversion applicationversion"
        ),
        "identifier": _names("identifier bundleid bundleidentifier packagename"),
    },
    "drives": {
        "name": _names("name drivename volumename mount mountpoint label devicename"),
        "encrypted": _names("encrypted isencrypted"),
    },
}
"""The names inside of the items of a list."""
