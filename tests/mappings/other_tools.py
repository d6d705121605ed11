"""Small samples in shapes of other tools, and the evidence that a person would make of them."""

from __future__ import annotations

from typing import Any, NamedTuple


class Sample(NamedTuple):
    name: str
    kind: str
    #: A document, or a list of records.
    content: Any
    expect: list[dict[str, Any]]


SAMPLES = (
    Sample(
        "directory.systemusers",
        "personnel_account",
        {
            "totalCount": 2,
            "results": [
                {
                    "_id": "5f0a", "username": "ana", "email": "ana@example.com", "firstname": "Ana",
                    "lastname": "Berg",
                    "displayname": "Ana Berg", "activated": True, "suspended": False, "account_locked": False,
                    "mfa": {"configured": True, "exclusion": False}, "totp_enabled": True, "sudo": False,
                    "created": "2024-05-01T08:00:00.000Z", "organization": "6a1",
                },
                {
                    "_id": "5f0b", "username": "bo", "email": "bo@example.com", "firstname": "Bo", "lastname": "Ek",
                    "displayname": "", "activated": True, "suspended": True, "account_locked": False,
                    "mfa": {"configured": False, "exclusion": False}, "totp_enabled": False, "sudo": False,
                    "created": "2025-02-01T08:00:00.000Z", "organization": "6a1",
                },
            ],
        },
        [
            {
                "id": "5f0a", "username": "ana", "email": "ana@example.com", "first_name": "Ana", "last_name": "Berg",
                "full_name": "Ana Berg", "active": True, "mfa_enabled": True, "created_at": "2024-05-01T08:00:00Z",
            },
            {
                "id": "5f0b", "username": "bo", "email": "bo@example.com", "first_name": "Bo", "last_name": "Ek",
                "active": False, "mfa_enabled": False, "created_at": "2025-02-01T08:00:00Z",
            },
        ],
    ),
    Sample(
        "login.users",
        "personnel_account",
        [
            {
                "user_id": "auth|1", "name": "Ana Berg", "nickname": "ana", "email": "ana@example.com",
                "email_verified": True,
                "given_name": "Ana", "family_name": "Berg", "picture": "https://example.com/a.png", "blocked": False,
                "created_at": "2024-05-01T08:00:00.000Z", "last_login": "2026-01-31T09:00:00.000Z",
                "last_ip": "192.0.2.1",
                "logins_count": 5, "identities": [{"connection": "Username-Password", "user_id": "1",
                "provider": "auth"}],
            },
            {
                "user_id": "auth|2", "name": "Bo Ek", "nickname": "bo", "email": "bo@example.com",
                "email_verified": True,
                "given_name": "Bo", "family_name": "Ek", "picture": "https://example.com/b.png", "blocked": True,
                "created_at": "2025-05-01T08:00:00.000Z", "logins_count": 0, "identities": [],
            },
        ],
        [
            {
                "id": "auth|1", "email": "ana@example.com", "full_name": "Ana Berg", "first_name": "Ana",
                "last_name": "Berg", "active": True, "created_at": "2024-05-01T08:00:00Z",
                "last_login_at": "2026-01-31T09:00:00Z",
            },
            {
                "id": "auth|2", "email": "bo@example.com", "full_name": "Bo Ek", "first_name": "Bo",
                "last_name": "Ek",
                "active": False, "created_at": "2025-05-01T08:00:00Z",
            },
        ],
    ),
    Sample(
        "meetings.users",
        "personnel_account",
        {
            "page_size": 300, "total_records": 2, "next_page_token": "",
            "users": [
                {
                    "id": "KDc1", "first_name": "Ana", "last_name": "Berg", "display_name": "Ana Berg",
                    "email": "ana@example.com", "type": 2, "pmi": 5551, "timezone": "Europe/Berlin", "verified": 1,
                    "dept": "", "user_created_at": "2024-05-01T08:00:00Z", "last_login_time": "2026-01-31T09:00:00Z",
                    "last_client_version": "6.1", "role_id": "0", "status": "active",
                },
                {
                    "id": "KDc2", "first_name": "Bo", "last_name": "Ek", "display_name": "Bo Ek",
                    "email": "bo@example.com",
                    "type": 1, "timezone": "", "verified": 1, "dept": "", "user_created_at": "2025-05-01T08:00:00Z",
                    "role_id": "2", "status": "inactive",
                },
            ],
        },
        [
            {
                "id": "KDc1", "email": "ana@example.com", "first_name": "Ana", "last_name": "Berg",
                "full_name": "Ana Berg",
                "active": True, "created_at": "2024-05-01T08:00:00Z", "last_login_at": "2026-01-31T09:00:00Z",
            },
            {
                "id": "KDc2", "email": "bo@example.com", "first_name": "Bo", "last_name": "Ek", "full_name": "Bo Ek",
                "active": False, "created_at": "2025-05-01T08:00:00Z",
            },
        ],
    ),
    Sample(
        "crm.accounts",
        "personnel_account",
        [
            {
                "User ID": "0051", "Full Name": "Ana Berg", "Work Mail": "ana@example.com", "Login": "ana.berg",
                "Profile": "Standard", "Is Active": "TRUE", "2FA": "yes", "Created": "01.05.2024 08:00",
                "Last Login Date": "31.01.2026 09:00", "Manager Mail": "chi@example.com",
            },
            {
                "User ID": "0052", "Full Name": "Bo Ek", "Work Mail": "bo@example.com", "Login": "bo.ek",
                "Profile": "Admin", "Is Active": "FALSE", "2FA": "no", "Created": "15.06.2024 08:00",
                "Last Login Date": "", "Manager Mail": "chi@example.com",
            },
        ],
        [
            {
                "id": "0051", "full_name": "Ana Berg", "email": "ana@example.com", "username": "ana.berg",
                "active": True,
                "mfa_enabled": True, "created_at": "2024-05-01T08:00:00Z", "last_login_at": "2026-01-31T09:00:00Z",
            },
            {
                "id": "0052", "full_name": "Bo Ek", "email": "bo@example.com", "username": "bo.ek", "active": False,
                "mfa_enabled": False, "created_at": "2024-06-15T08:00:00Z",
            },
        ],
    ),
    Sample(
        "assets.hardware",
        "device",
        {
            "total": 2,
            "rows": [
                {
                    "id": 17, "name": "ACME-17", "asset_tag": "A-17", "serial": "C02TEST0017",
                    "model": {"id": 3, "name": "MacBook Pro"}, "manufacturer": {"id": 1, "name": "Apple"},
                    "category": {"id": 1, "name": "Laptops"}, "supplier": None,
                    "status_label": {"id": 1, "name": "Deployed", "status_meta": "deployed"},
                    "assigned_to": {"id": 4, "username": "ana", "name": "Ana Berg", "email": "ana@example.com"},
                    "location": {"id": 2, "name": "Berlin"}, "mac_address": "9c:76:0e:00:00:01",
                    "created_at": {"datetime": "2025-04-01 08:00:00", "formatted": "Tue Apr 01, 2025"},
                },
                {
                    "id": 18, "name": "ACME-18", "asset_tag": "A-18", "serial": "7XQ12Z3",
                    "model": {"id": 4, "name": "Latitude"}, "manufacturer": {"id": 2, "name": "Dell"},
                    "category": {"id": 1, "name": "Laptops"}, "supplier": None,
                    "status_label": {"id": 2, "name": "Stock", "status_meta": "deployable"}, "assigned_to": None,
                    "location": None, "mac_address": "",
                    "created_at": {"datetime": "2025-05-01 08:00:00", "formatted": "Thu May 01, 2025"},
                },
            ],
        },
        [
            {
                "id": "17", "name": "ACME-17", "serial_number": "C02TEST0017", "model": "MacBook Pro",
                "make": "Apple",
                "owner_email": "ana@example.com", "mac_address": "9c:76:0e:00:00:01",
            },
            {"id": "18", "name": "ACME-18", "serial_number": "7XQ12Z3", "model": "Latitude", "make": "Dell"},
        ],
    ),
    Sample(
        "rmm.devices",
        "device",
        [
            {
                "uid": "d-1", "systemName": "ACME-LT-1", "dnsName": "acme-lt-1", "offline": False,
                "created": 1743494400.0, "lastContact": 1769850000.25, "lastUpdate": 1769850100.0,
                "os": {"manufacturer": "Microsoft", "name": "Windows 11 Pro", "architecture": "64-bit",
                "buildNumber": "26100"},
                "system": {"manufacturer": "Dell Inc.", "model": "Latitude 7450", "serialNumber": "7XQ12Z3"},
                "ipAddresses": ["192.0.2.15"], "macAddresses": ["3C:52:82:AB:01:CE"],
                "memory": {"capacity": 17179869184}, "lastLoggedInUser": "ACME\\bo",
            },
            {
                "uid": "d-2", "systemName": "ACME-WS-2", "dnsName": "acme-ws-2", "offline": True,
                "created": 1743580800.0, "lastContact": 1769763600.0, "lastUpdate": 1769850100.0,
                "os": {"manufacturer": "Microsoft", "name": "Windows 10 Pro", "architecture": "64-bit",
                "buildNumber": "19045"},
                "system": {"manufacturer": "HP", "model": "Z2", "serialNumber": "CZC1"},
                "ipAddresses": ["192.0.2.16", "192.0.2.17"], "macAddresses": ["3C:52:82:AB:01:CF"],
                "memory": {"capacity": 34359738368}, "lastLoggedInUser": "",
            },
        ],
        [
            {
                "id": "d-1", "name": "ACME-LT-1", "platform": "windows", "os_name": "Windows 11 Pro",
                "make": "Dell Inc.",
                "model": "Latitude 7450", "serial_number": "7XQ12Z3", "ip_address": "192.0.2.15",
                "mac_address": "3C:52:82:AB:01:CE", "memory": "17179869184 bytes",
                "last_seen_at": "2026-01-31T09:00:00.250000Z",
            },
            {
                "id": "d-2", "name": "ACME-WS-2", "platform": "windows", "os_name": "Windows 10 Pro", "make": "HP",
                "model": "Z2", "serial_number": "CZC1", "ip_address": "192.0.2.16",
                "mac_address": "3C:52:82:AB:01:CF",
                "memory": "34359738368 bytes", "last_seen_at": "2026-01-30T09:00:00Z",
            },
        ],
    ),
    Sample(
        "hr.people",
        "person",
        {
            "employees": [
                {
                    "id": "3010", "fullName": "Ana Berg", "firstName": "Ana", "surname": "Berg",
                    "email": "ana@example.com",
                    "avatarUrl": "https://example.com/a.png",
                    "work": {
                        "title": "Engineer", "startDate": "2024-05-01", "department": "R&D",
                        "reportsTo": {"id": "3001", "displayName": "Chi Do", "email": "chi@example.com"},
                    },
                    "internal": {"status": "Active", "terminationDate": None},
                    "home": {"privateEmail": "ana@example.org"},
                },
                {
                    "id": "3011", "fullName": "Bo Ek", "firstName": "Bo", "surname": "Ek", "email": "bo@example.com",
                    "avatarUrl": "https://example.com/b.png",
                    "work": {
                        "title": "Analyst", "startDate": "2023-02-01", "department": "Sales",
                        "reportsTo": {"id": "3001", "displayName": "Chi Do", "email": "chi@example.com"},
                    },
                    "internal": {"status": "Inactive", "terminationDate": "2026-01-31"},
                    "home": {"privateEmail": None},
                },
            ]
        },
        [
            {
                "id": "3010", "email": "ana@example.com", "first_name": "Ana", "last_name": "Berg",
                "job_title": "Engineer",
                "secondary_email": "ana@example.org", "manager_id": "3001", "manager_name": "Chi Do",
                "avatar_url": "https://example.com/a.png", "started_at": "2024-05-01T00:00:00Z", "separated_at": None,
            },
            {
                "id": "3011", "email": "bo@example.com", "first_name": "Bo", "last_name": "Ek",
                "job_title": "Analyst",
                "secondary_email": None, "manager_id": "3001", "manager_name": "Chi Do",
                "avatar_url": "https://example.com/b.png", "started_at": "2023-02-01T00:00:00Z",
                "separated_at": "2026-01-31T00:00:00Z",
            },
        ],
    ),
    Sample(
        "payroll.staff",
        "person",
        [
            {
                "Employee No.": "1001", "Given Name": "Ana", "Family Name": "Berg",
                "E-Mail (work)": "ana@example.com",
                "Position Title": "Engineer", "Hire Date": "2024-05-01", "Exit Date": "", "Supervisor Name": "Chi Do",
                "Employment Type": "Full-time", "Cost Centre": "C-7",
            },
            {
                "Employee No.": "1002", "Given Name": "Bo", "Family Name": "Ek", "E-Mail (work)": "bo@example.com",
                "Position Title": "Analyst", "Hire Date": "2023-02-01", "Exit Date": "2026-01-31",
                "Supervisor Name": "Chi Do",
                "Employment Type": "Contractor", "Cost Centre": "C-8",
            },
        ],
        [
            {
                "id": "1001", "first_name": "Ana", "last_name": "Berg", "email": "ana@example.com",
                "job_title": "Engineer",
                "started_at": "2024-05-01T00:00:00Z", "manager_name": "Chi Do", "is_contractor": False,
            },
            {
                "id": "1002", "first_name": "Bo", "last_name": "Ek", "email": "bo@example.com",
                "job_title": "Analyst",
                "started_at": "2023-02-01T00:00:00Z", "separated_at": "2026-01-31T00:00:00Z",
                "manager_name": "Chi Do",
                "is_contractor": True,
            },
        ],
    ),
    Sample(
        "lms.progress",
        "training_record",
        [
            {
                "Learner": "Ana Berg", "Learner Email": "ana@example.com", "Course Title": "Security Awareness",
                "Course Code": "SEC-1", "Enrolled On": "2026-01-05 19:00", "Completed On": "2026-01-06 09:31",
                "Final Score": "92.5", "Result": "Passed", "Due By": "2026-02-01",
            },
            {
                "Learner": "Bo Ek", "Learner Email": "bo@example.com", "Course Title": "Security Awareness",
                "Course Code": "SEC-1", "Enrolled On": "2026-01-05 19:00", "Completed On": "", "Final Score": "",
                "Result": "In progress", "Due By": "2026-02-01",
            },
        ],
        [
            {
                "id": "ana@example.com/SEC-1", "email": "ana@example.com", "full_name": "Ana Berg", "course": "SEC-1",
                "title": "Security Awareness", "assigned_at": "2026-01-05T19:00:00Z",
                "completed_at": "2026-01-06T09:31:00Z",
                "due_at": "2026-02-01T00:00:00Z", "score": 92.5,
            },
            {
                "id": "bo@example.com/SEC-1", "email": "bo@example.com", "full_name": "Bo Ek", "course": "SEC-1",
                "title": "Security Awareness", "assigned_at": "2026-01-05T19:00:00Z",
                "due_at": "2026-02-01T00:00:00Z",
            },
        ],
    ),
    Sample(
        "hosting.servers",
        "cloud_resource",
        {
            "servers": [
                {
                    "id": 42, "name": "web-1", "status": "running", "created": "2026-01-31T09:00:00+00:00",
                    "public_net": {"ipv4": {"ip": "203.0.113.7", "blocked": False}, "ipv6": {"ip": "2001:db8::/64"}},
                    "server_type": {"id": 1, "name": "cx11", "cores": 1, "memory": 2, "disk": 20},
                    "datacenter": {"id": 1, "name": "fsn1-dc8", "location": {"id": 1, "name": "fsn1",
                    "country": "DE"}},
                    "labels": {"env": "prod"}, "locked": False, "protection": {"delete": False},
                },
                {
                    "id": 43, "name": "db-1", "status": "off", "created": "2025-01-31T09:00:00+00:00",
                    "public_net": {"ipv4": None, "ipv6": None},
                    "server_type": {"id": 1, "name": "cx21", "cores": 2, "memory": 4, "disk": 40},
                    "datacenter": {"id": 2, "name": "nbg1-dc3", "location": {"id": 2, "name": "nbg1",
                    "country": "DE"}},
                    "labels": {}, "locked": True, "protection": {"delete": True},
                },
            ],
            "meta": {"pagination": {"page": 1, "next_page": None, "total_entries": 2}},
        },
        [
            {
                "id": "42", "type": "hosting.server", "provider": "hosting", "name": "web-1", "state": "running",
                "region": "fsn1", "created_at": "2026-01-31T09:00:00Z", "tags": [{"key": "env", "value": "prod"}],
            },
            {
                "id": "43", "type": "hosting.server", "provider": "hosting", "name": "db-1", "state": "off",
                "region": "nbg1", "created_at": "2025-01-31T09:00:00Z", "tags": [],
            },
        ],
    ),
)  # fmt: skip
