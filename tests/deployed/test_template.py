"""What the template promises whoever is woken by it, and how an update of it comes into use. Needs no emulator."""

import json
import re
from pathlib import Path

import boto3
import pytest
from samcli.yamlhelper import yaml_parse
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

ROOT = Path(__file__).parents[2]
RUNBOOKS = (ROOT / "docs/runbooks.md").read_text()
OPERATIONS = (ROOT / "docs/operations.md").read_text()
CONSOLE_VIEWS = (ROOT / "local/src/console/page/index.html").read_text()
FUNCTIONS = ("Inbound", "Webhook", "Processor")


def read():
    return yaml_parse((ROOT / "template.yaml").read_text())


TEMPLATE = read()


def of_type(kind, template=TEMPLATE):
    return {name: resource for name, resource in template["Resources"].items() if resource["Type"] == kind}


def transformed(**parameters):
    """The template as CloudFormation has it after SAM's transform."""
    template = read()
    for function in of_type("AWS::Serverless::Function", template).values():
        function["Properties"]["CodeUri"] = "s3://bucket/key"
    policies = {"AWSCodeDeployRoleForLambda": "arn:aws:iam::aws:policy/service-role/AWSCodeDeployRoleForLambda"}
    session = boto3.Session(region_name="us-east-1")
    return Translator(policies, Parser(), boto_session=session).translate(template, {"Architecture": "arm64"} | parameters)


def text(value):
    """A text, or what is in a `!Sub`."""
    return value["Fn::Sub"] if isinstance(value, dict) else value


QUERIES = {text(query["Properties"]["Name"]).split("/", 1)[1]: query["Properties"]["QueryString"]
           for query in of_type("AWS::Logs::QueryDefinition").values()}
ALARMS = of_type("AWS::CloudWatch::Alarm")
WIDGETS = json.loads(text(TEMPLATE["Resources"]["Dashboard"]["Properties"]["DashboardBody"]))["widgets"]
TITLES = {widget["properties"]["title"] for widget in WIDGETS if "title" in widget["properties"]}


@pytest.mark.parametrize("name", ALARMS)
def test_an_alarm_says_where_the_reason_is_and_has_the_url_of_its_runbook(name):
    properties = ALARMS[name]["Properties"]
    said = text(properties["AlarmDescription"])
    # CloudWatch takes no more (https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html).
    assert len(said) + 200 <= 1024, "with the stack's name and the runbooks' URL it is too long"
    heading = re.search(r"Runbook: \$\{RunbookUrl}#([a-z-]+)$", said)
    assert heading, said
    headings = {re.sub("[^a-z0-9 -]", "", line[3:].lower()).replace(" ", "-") for line in RUNBOOKS.splitlines() if line.startswith("## ")}
    assert heading[1] in headings
    queries = [query for query in QUERIES if f"query {query}" in said]
    views = re.findall(r"under ([A-Z][a-z]+(?: up)?)", said)
    assert all(f">{view}</a>" in CONSOLE_VIEWS for view in views), views
    titles = [title for title in TITLES if f"dashboard, {title}" in said]
    assert queries or "haptik-bridge console --stack ${AWS::StackName}" in said or titles, f"where is the reason? {said}"
    for mentioned in re.findall(r"query ([a-z]+ (?:[a-zA-Z]+ )?[a-zA-Z]+)", said):
        assert any(mentioned.startswith(query) for query in QUERIES), f"there is no query {mentioned}"
    # The guide to operating names it.
    assert text(properties["AlarmName"]).split(" ", 1)[1].split(" ")[-1] in OPERATIONS


def test_what_is_searched_on_the_dashboard_quotes_each_name_that_is_not_a_word():
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/search-expression-syntax.html"""
    metrics = [metric for widget in WIDGETS for metric in widget["properties"].get("metrics", [])]
    searches = [options["expression"] for metric in metrics for options in metric if isinstance(options, dict) and "expression" in options]
    assert len(searches) == 3
    for search in searches:
        schema = re.match(r"SEARCH\('{([^}]*)} ", search)[1]
        assert all(re.fullmatch(r'\w+|"[^"]+"', name) for name in schema.split(",")), search


def test_no_metrics_are_paid_for_that_nothing_reads():
    """Those by route, beside those of the API, which alarms and dashboard read."""
    read = {text for widget in WIDGETS for metric in widget["properties"].get("metrics", []) for text in metric if isinstance(text, str)}
    read |= {dimension["Name"] for alarm in ALARMS.values() for dimension in alarm["Properties"].get("Dimensions", [])}
    assert "ApiId" in read and "Route" not in read
    for stage in of_type("AWS::ApiGatewayV2::Stage").values():
        assert not stage["Properties"]["DefaultRouteSettings"].get("DetailedMetricsEnabled")


@pytest.mark.parametrize("name", QUERIES)
def test_a_saved_query_keeps_lane_and_correlation_id(name):
    query = QUERIES[name]
    fields = next(line for line in query.splitlines() if line.startswith("fields "))
    assert {"lane", "correlation_id"} <= set(re.split(r"[ ,]+", fields)), fields
    for line in query.splitlines():
        if line.startswith("| stats"):
            assert "latest(lane)" in line and "latest(correlation_id)" in line, line
    assert f"*{name}*" in OPERATIONS, "docs/operations.md does not name it"


def test_the_dashboard_has_every_alarm_and_the_last_dead_entries_with_their_reasons():
    (shown,) = [widget["properties"]["alarms"] for widget in WIDGETS if widget["type"] == "alarm"]
    assert {re.fullmatch(r"\$\{(\w+)\.Arn}", alarm)[1] for alarm in shown} == set(ALARMS)
    (dead,) = [widget["properties"]["query"] for widget in WIDGETS if widget["type"] == "log"]
    for part in ("reason", "lane", "correlation_id", "outcome = 'dead'", "sort @timestamp desc"):
        assert part in dead
    at = sorted((widget["y"], widget["x"], widget["width"], widget["height"]) for widget in WIDGETS)
    for (y, x, width, _), (next_y, next_x, _, _) in zip(at, at[1:]):
        assert next_y > y or next_x >= x + width, "two widgets lie on each other"


def test_an_update_is_at_once_unless_something_else_is_asked_for():
    assert TEMPLATE["Parameters"]["Deployment"]["Default"] == "AllAtOnce"
    template = transformed(Deployment="AllAtOnce")
    assert not [name for name, resource in template["Resources"].items() if "CodeDeploy" in resource["Type"] or "CodeDeploy" in name]
    for alias in of_type("AWS::Lambda::Alias", template).values():
        assert "UpdatePolicy" not in alias


@pytest.mark.parametrize("kind", TEMPLATE["Parameters"]["Deployment"]["AllowedValues"][1:])
def test_a_gradual_update_goes_back_by_itself_when_an_alarm_of_the_function_goes_off(kind):
    template = transformed(Deployment=kind)
    groups = of_type("AWS::CodeDeploy::DeploymentGroup", template)
    assert set(groups) == {f"{function}FunctionDeploymentGroup" for function in FUNCTIONS}
    for name, group in groups.items():
        properties = group["Properties"]
        assert properties["DeploymentConfigName"]["Fn::Sub"][1]["ConfigName"] == kind
        assert "DEPLOYMENT_STOP_ON_ALARM" in properties["AutoRollbackConfiguration"]["Events"]
        alarms = {alarm["Name"]["Ref"] for alarm in properties["AlarmConfiguration"]["Alarms"]}
        assert alarms <= set(ALARMS)
        assert name.replace("FunctionDeploymentGroup", "ErrorsAlarm") in alarms
        alias = template["Resources"][name.replace("DeploymentGroup", "Aliaslive")]
        assert alias["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]["DeploymentGroupName"] == {"Ref": name}


def test_whatever_calls_a_function_calls_its_alias_which_a_gradual_update_moves():
    template = transformed(Deployment="Canary10Percent5Minutes")
    aliases = {f"{function}FunctionAliaslive" for function in FUNCTIONS}
    called = [integration["Properties"]["IntegrationUri"] for integration in of_type("AWS::ApiGatewayV2::Integration", template).values()]
    called += [permission["Properties"]["FunctionName"] for permission in of_type("AWS::Lambda::Permission", template).values()]
    called += [mapping["Properties"]["FunctionName"] for mapping in of_type("AWS::Lambda::EventSourceMapping", template).values()]
    called += [schedule["Properties"]["Target"]["Arn"] for schedule in of_type("AWS::Scheduler::Schedule", template).values()]
    assert len(called) == 7
    assert {call["Ref"] for call in called} == aliases


def test_alarms_reach_slack_and_a_webhook_only_where_they_are_named():
    (slack,) = of_type("AWS::Chatbot::SlackChannelConfiguration").values()
    (webhook,) = of_type("AWS::SNS::Subscription").values()
    (topic,) = of_type("AWS::SNS::Topic").values()
    assert (slack["Condition"], webhook["Condition"], topic["Condition"]) == ("SlackIsGiven", "WebhookIsGiven", "TopicIsMade")
    own_or_made = {"Fn::If": ["TopicIsGiven", {"Ref": "AlarmTopicArn"}, {"Ref": "AlarmTopic"}]}
    assert slack["Properties"]["SnsTopicArns"] == [own_or_made] and webhook["Properties"]["TopicArn"] == own_or_made
    # Whoever is in the channel may look, and no more.
    assert [text(policy).rsplit("/", 1)[1] for policy in slack["Properties"]["GuardrailPolicies"]] == ["CloudWatchReadOnlyAccess"]
    for parameter in ("AlarmEmail", "AlarmTopicArn", "AlarmSlackWorkspaceId", "AlarmSlackChannelId", "AlarmWebhookUrl"):
        assert TEMPLATE["Parameters"][parameter]["Default"] == ""
        assert f"`{parameter}`" in OPERATIONS
    assert TEMPLATE["Parameters"]["AlarmWebhookUrl"]["NoEcho"] is True
