"""The fakes, as their vendors' clients see them: what the bridge does there, and how it is refused."""

import base64

import jira
import pysnc
import pytest
import requests
import simple_salesforce
import zenpy
import zenpy.lib.exception
from conftest import towards
from freshdesk.api import API as Freshdesk
from freshdesk.v2.errors import FreshdeskBadRequest, FreshdeskUnauthorized
from hubspot.crm import contacts, objects, tickets
from zenpy.lib.api_objects import Comment, CustomField, Ticket, User

HTML = "<script>alert('é')</script> & more"


def zendesk_client(crm, token=None):
    session = towards(requests.Session(), crm["url"])
    return zenpy.Zenpy(subdomain="acme", email=crm["email"], token=token or crm["api_token"], session=session)


def test_zendesk(crms, tmp_path):
    crm = crms["zendesk"]
    client = zendesk_client(crm)
    ticket = Ticket(
        subject=HTML,
        comment=Comment(body="line 1\nline 2", public=False),
        requester=User(name="Asha", email="asha@example.com"),
        external_id="haptik-1",
        tags=["haptik"],
        custom_fields=[CustomField(id=360001, value="CDQP12324")],
    )
    created = client.tickets.create(ticket).ticket
    assert created.subject == HTML and created.external_id == "haptik-1"
    assert [found.id for found in client.tickets(external_id="haptik-1")] == [created.id]
    assert list(client.search(type="ticket", external_id="haptik-1")) == []

    file = tmp_path / "transcript.txt"
    file.write_text("hello")
    upload = client.attachments.upload(str(file), target_name="transcript.txt")
    created.comment = Comment(body="see there", public=False, uploads=[upload.token])
    client.tickets.update(created)
    comments = list(client.tickets.comments(ticket=created.id))
    assert [comment.body for comment in comments] == ["line 1\nline 2", "see there"]
    assert comments[1].attachments[0].file_name == "transcript.txt"

    with pytest.raises(zenpy.lib.exception.APIException) as refused:
        client.tickets.create(Ticket(subject="no comment"))
    assert "RecordInvalid" in str(refused.value)
    with pytest.raises(zenpy.lib.exception.APIException) as refused:
        zendesk_client(crm, "wrong").users.me()
    assert "authenticate" in str(refused.value)


def freshdesk_client(crm, key=None):
    client = Freshdesk("acme.freshdesk.com", key or crm["api_key"])
    towards(client._session, crm["url"])
    return client


def test_freshdesk(crms, tmp_path):
    crm = crms["freshdesk"]
    client = freshdesk_client(crm)
    created = client.tickets.create_ticket(
        "Late parcel",
        email="asha@example.com",
        name="Asha",
        description="<div>hello</div>",
        tags=["haptik", "haptik-1"],
        source=7,
        custom_fields={"cf_insurance_no": "CDQP12324"},
    )
    assert created.tags == ["haptik", "haptik-1"] and created.description_text == "hello"
    assert client.tickets.get_ticket(created.id).subject == "Late parcel"
    listed = client.tickets.list_tickets(email="asha@example.com")
    assert [ticket.id for ticket in listed] == [created.id]
    # The index is behind.
    assert client.tickets.filter_tickets("tag:'haptik-1'") == []
    client.comments.create_note(created.id, "<b>note</b>", private=True)
    assert [comment.body_text for comment in client.comments.list_comments(created.id)] == ["note"]

    file = tmp_path / "transcript.txt"
    file.write_text("hello")
    with_file = client.tickets.create_ticket(
        "With a file", email="asha@example.com", description="x", tags=["haptik"], attachments=(str(file),)
    )
    assert with_file.attachments[0]["name"] == "transcript.txt"
    with pytest.raises(FreshdeskBadRequest, match="Validation failed"):
        client.tickets.create_ticket("Nobody's", description="x")
    with pytest.raises(FreshdeskUnauthorized):
        freshdesk_client(crm, "wrong").tickets.get_ticket(created.id)


def salesforce_client(crm):
    session = towards(requests.Session(), crm["url"])
    # Logs in by client credentials.
    return simple_salesforce.Salesforce(
        consumer_key=crm["client_id"], consumer_secret=crm["client_secret"], domain="acme.my", session=session
    )


def test_salesforce(crms):
    crm = crms["salesforce"]
    client = salesforce_client(crm)
    case = {"Subject": HTML, "Description": "line 1\nline 2", "SuppliedEmail": "asha@example.com", "Origin": "Chat"}
    path = f"{crm['external_id']}/haptik-1"
    assert client.Case.upsert(path, case) == 201
    assert client.Case.upsert(path, case) == 200
    created = client.Case.get_by_custom_id(crm["external_id"], "haptik-1")
    assert created["Subject"] == HTML
    query = f"SELECT Id FROM Case WHERE {crm['external_id']} = 'haptik-1'"
    assert [record["Id"] for record in client.query(query)["records"]] == [created["Id"]]
    assert client.CaseComment.create({"ParentId": created["Id"], "CommentBody": "more"})["success"]
    file = {
        "Title": "transcript",
        "PathOnClient": "transcript.txt",
        "VersionData": base64.b64encode(b"hello").decode(),
        "FirstPublishLocationId": created["Id"],
    }
    assert client.ContentVersion.create(file)["success"]

    with pytest.raises(simple_salesforce.exceptions.SalesforceMalformedRequest, match="STRING_TOO_LONG"):
        client.Case.create({"Subject": "x" * 256})
    with pytest.raises(simple_salesforce.exceptions.SalesforceMalformedRequest, match="INVALID_FIELD"):
        client.Case.create({"NoSuchField": "x"})
    # The client knows the answer to a token that is over, and asks for another.
    client.session_id, client.headers["Authorization"] = "over", "Bearer over"
    assert client.query(query)["totalSize"] == 1 and client.session_id != "over"
    with pytest.raises(simple_salesforce.exceptions.SalesforceAuthenticationFailed, match="invalid_client"):
        salesforce_client({**crm, "client_secret": "wrong"})


def test_hubspot(crms):
    crm = crms["hubspot"]

    def api(module, api_class, token=None):
        configuration = module.Configuration(host=crm["url"])
        configuration.access_token = token or crm["access_token"]
        return api_class(module.ApiClient(configuration))

    people = api(contacts, contacts.BasicApi)
    person = people.create(contacts.SimplePublicObjectInputForCreate(properties={"email": "asha@example.com"}, associations=[]))
    assert people.get_by_id("asha@example.com", id_property="email").id == person.id
    with pytest.raises(contacts.ApiException) as refused:
        people.create(contacts.SimplePublicObjectInputForCreate(properties={"email": "asha@example.com"}, associations=[]))
    assert refused.value.status == 409

    basic = api(tickets, tickets.BasicApi)
    link = tickets.PublicAssociationsForObject(
        to=tickets.PublicObjectId(id=person.id),
        types=[tickets.AssociationSpec(association_category="HUBSPOT_DEFINED", association_type_id=16)],
    )
    properties = {"subject": HTML, "content": "hello", "hs_pipeline": "0", "hs_pipeline_stage": "1", crm["unique"]: "haptik-1"}
    ticket = tickets.SimplePublicObjectInputForCreate(properties=properties, associations=[link])
    created = basic.create(ticket)
    assert basic.get_by_id("haptik-1", id_property=crm["unique"]).id == created.id
    with pytest.raises(tickets.ApiException) as refused:
        basic.create(ticket)
    assert refused.value.status == 400 and "CONFLICTING_UNIQUE_VALUE" in refused.value.body
    condition = tickets.Filter(property_name=crm["unique"], operator="EQ", value="haptik-1")
    search = tickets.PublicObjectSearchRequest(filter_groups=[tickets.FilterGroup(filters=[condition])])
    # The index is behind.
    assert api(tickets, tickets.SearchApi).do_search(search).total == 0

    note = objects.SimplePublicObjectInputForCreate(
        properties={"hs_note_body": "more", "hs_timestamp": "2026-11-24T10:00:00Z"},
        associations=[
            objects.PublicAssociationsForObject(
                to=objects.PublicObjectId(id=created.id),
                types=[objects.AssociationSpec(association_category="HUBSPOT_DEFINED", association_type_id=228)],
            )
        ],
    )
    assert api(objects, objects.BasicApi).create("notes", note).id
    linked = basic.get_by_id(created.id, associations=["notes"]).associations["notes"].results
    read = objects.BatchReadInputSimplePublicObjectId(
        inputs=[objects.SimplePublicObjectId(id=one.id) for one in linked], properties=["hs_note_body"], properties_with_history=[]
    )
    notes = api(objects, objects.BatchApi).read("notes", read).results
    assert [one.properties["hs_note_body"] for one in notes] == ["more"]
    with pytest.raises(tickets.ApiException) as refused:
        api(tickets, tickets.BasicApi, "wrong").get_by_id(created.id)
    assert refused.value.status == 401


def servicenow_client(crm, password=None):
    session = towards(requests.Session(), crm["url"])
    session.auth = (crm["username"], password or crm["password"])
    return pysnc.ServiceNowClient("https://acme.service-now.com", session, auto_retry=False)


def test_servicenow(crms):
    crm = crms["servicenow"]
    client = servicenow_client(crm)
    record = client.GlideRecord("incident")
    record.initialize()
    record.short_description = HTML
    record.description = "line 1\nline 2"
    record.correlation_id = "haptik-1"
    assert record.insert()
    assert record.number.get_value().startswith("INC")
    found = client.GlideRecord("incident")
    found.add_query("correlation_id", "haptik-1")
    found.query()
    assert [row.get_value("sys_id") for row in found] == [record.sys_id.get_value()]
    found = client.GlideRecord("incident")
    assert found.get(record.sys_id.get_value())
    found.work_notes = "more"
    assert found.update()
    stranger = servicenow_client(crm, "wrong")
    with pytest.raises(pysnc.exceptions.AuthenticationException):
        stranger.GlideRecord("incident").get(record.sys_id.get_value())


def test_jira(crms):
    crm = crms["jira"]
    client = jira.JIRA(server=crm["url"], basic_auth=(crm["email"], crm["api_token"]), max_retries=0)
    customer = client.create_customer("asha@example.com", "Asha")
    assert customer.emailAddress == "asha@example.com"
    with pytest.raises(jira.JIRAError, match="already exists"):
        client.create_customer("asha@example.com", "Asha")
    desk = client.service_desks()[0]
    assert desk.id == crm["service_desk_id"]
    request = {
        "serviceDeskId": desk,
        "requestTypeId": int(crm["request_type_id"]),
        "requestFieldValues": {"summary": HTML, "description": "hello", "labels": ["haptik-1"]},
        "raiseOnBehalfOf": customer.accountId,
    }
    created = client.create_customer_request(dict(request))
    assert created.fields.summary == HTML
    # The index is behind.
    assert list(client.enhanced_search_issues('project = HELP AND labels = "haptik-1"')) == []
    bad = {**request, "serviceDeskId": desk, "requestFieldValues": {"summary": "x", "nope": "y"}}
    with pytest.raises(jira.JIRAError, match="cannot be set"):
        client.create_customer_request(bad)
    stranger = jira.JIRA(server=crm["url"], basic_auth=(crm["email"], "wrong"), max_retries=0, get_server_info=False)
    with pytest.raises(jira.JIRAError) as refused:
        stranger.myself()
    assert refused.value.status_code == 401
