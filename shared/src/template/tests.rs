use minijinja::value::Serde;
use serde_json::json;

use super::*;

const NAMES: &[&str] = &["user", "details"];

fn checked(source: &str, escape: Escape) -> Template {
    let template = Template::new(source, escape);
    template.check(NAMES).expect("a template");
    template
}

fn text(source: &str, escape: Escape, values: serde_json::Value) -> String {
    checked(source, escape)
        .text(&Value::from(Serde(values)))
        .expect("it can be filled in")
}

fn wrong(source: &str) -> String {
    let template = Template::new(source, Escape::Text);
    template.check(NAMES).expect_err("it is refused")
}

#[test]
fn what_is_not_there_is_empty_at_any_depth() {
    let values = json!({"user": {"name": null}});
    let source = "<{{ user.name }}|{{ user.address.city }}|{{ details.a.b.c }}>";
    assert_eq!(text(source, Escape::Text, values), "<||>");
}

#[test]
fn values_are_written_as_their_place_wants_them() {
    let values = json!({"details": {"s": "a \"b\"\n</script>&", "n": 7, "f": 1.5, "t": true, "z": null, "o": {"k": [1, "x"]}}});
    let json = r#"{"s": "{{ details.s }}", "n": {{ details.n }}, "f": {{ details.f }}, "t": {{ details.t }}, "z": {{ details.z }}, "o": {{ details.o }}}"#;
    let written: serde_json::Value =
        serde_json::from_str(&text(json, Escape::Json, values.clone())).expect("JSON");
    assert_eq!(written, values["details"]);
    let url = "https://x.example/{{ details.s }}?n={{ details.n }}";
    assert_eq!(
        text(url, Escape::Url, values.clone()),
        "https://x.example/a%20%22b%22%0A%3C%2Fscript%3E%26?n=7"
    );
    assert_eq!(
        text("{{ details.s }} {{ details.o }}", Escape::Text, values),
        "a \"b\"\n</script>& {\"k\":[1,\"x\"]}"
    );
}

#[test]
fn no_value_changes_which_path_a_url_has() {
    let url = |source: &str, value: &str| {
        let values = Value::from(Serde(json!({"user": {"name": value}, "details": "."})));
        checked(source, Escape::Url).text(&values)
    };
    let api = "https://x.example/api/{{ user.name }}?q={{ user.name }}";
    for (value, path) in [
        ("asha", "asha"),
        ("a b", "a%20b"),
        ("INV/2026/7", "INV%2F2026%2F7"),
        ("...", "..."),
        (".well-known", ".well-known"),
        ("100%", "100%25"),
        ("a?b#c&d", "a%3Fb%23c%26d"),
        ("é", "%C3%A9"),
    ] {
        let expected = format!("https://x.example/api/{path}?q={path}");
        assert_eq!(url(api, value).as_deref(), Ok(expected.as_str()), "{value}");
    }
    for value in [
        "",
        " ",
        ".",
        "..",
        "%2e",
        "%2e%2E",
        "%252e.",
        "../admin",
        "a/../../b",
        "a/..",
        "/",
        "//b",
        "..\\b",
        "..;x",
        ".. ",
        "..\0",
        "a//b",
    ] {
        let refused = url(api, value).expect_err(value).to_string();
        assert!(refused.contains("which path is called"), "{refused}");
    }
    // What the template writes around a value counts with it.
    for (source, value) in [
        ("https://x.example/a/.{{ user.name }}/c", "."),
        ("https://x.example/a/.{{ user.name }}", ""),
        ("https://x.example/a/{{ details }}{{ details }}/c", ""),
        ("https://x.example/a/%2{{ user.name }}{{ details }}/c", "e"),
        ("https://x.example/a/{{ user.name }}%2e/c", "."),
        ("https://x.example/a/{{ user.name|safe }}", "b/c"),
        ("https://x.example/a/{{ user.name|safe }}", "b?c"),
        (
            "https://x.example/a/{% set b %}{{ user.name }}{% endset %}{{ b }}/c",
            "..",
        ),
        ("https://x.example/a/\n{{ user.name }}\n.", "."),
        (
            "https://x.example/{% if user.name %}a/{{ user.name[:2] }}{% endif %}",
            "..b",
        ),
    ] {
        let refused = url(source, value).expect_err(source).to_string();
        assert!(refused.contains("which path is called"), "{refused}");
    }
    // What only the template writes is the operator's.
    for (source, value, expected) in [
        (
            "https://x.example/a//b/../{{ user.name }}",
            "c",
            "https://x.example/a//b/../c",
        ),
        (
            "https://x.example/a/?q={{ user.name }}",
            "",
            "https://x.example/a/?q=",
        ),
        (
            "https://x.example/v{{ user.name }}.json",
            "",
            "https://x.example/v.json",
        ),
        (
            "https://x.example/{% set b %}x-{{ user.name }}{% endset %}{{ b }}",
            "b",
            "https://x.example/x-b",
        ),
    ] {
        assert_eq!(url(source, value).as_deref(), Ok(expected), "{source}");
    }
    let form = checked("a={{ user.name }}", Escape::Form);
    let values = Value::from(Serde(json!({"user": {"name": "../&"}})));
    assert_eq!(form.text(&values).as_deref(), Ok("a=..%2F%26"));
}

proptest::proptest! {
    #[test]
    fn whatever_the_values_are_the_path_has_the_segments_of_the_template(
        first in "([./%2eE;a\\\\ ]|\\PC){0,6}",
        second in "([./%2eE;a\\\\ ]|\\PC){0,6}",
        source in proptest::sample::select(vec![
            "/api/{{ user.name }}/x", "/api/.{{ user.name }}/x", "/api/{{ user.name }}{{ details }}/x",
            "/api/{{ user.name }}.{{ details }}/x", "/api/%2{{ user.name }}{{ details }}/x",
            "/api/{{ user.name }}/x?q={{ details }}", "/api/{{ user.name|safe }}/x",
        ]),
    ) {
        let template = checked(&format!("https://x.example{source}"), Escape::Url);
        let values = Value::from(Serde(json!({"user": {"name": first}, "details": second})));
        if let Ok(written) = template.text(&values) {
            let url = url::Url::parse(&written).expect("a URL");
            let segments: Vec<&str> = url.path_segments().expect("it has").collect();
            proptest::prop_assert_eq!(url.host_str(), Some("x.example"));
            proptest::prop_assert_eq!(segments.len(), 3, "{}", url);
            proptest::prop_assert_eq!((segments[0], segments[2]), ("api", "x"));
            proptest::prop_assert!(!segments[1].is_empty());
        }
    }
}

#[test]
fn a_template_that_is_one_expression_keeps_its_values_type() {
    let context = Value::from(Serde(json!({"details": {"n": 7, "l": [1, 2]}})));
    let value = |source: &str| {
        checked(source, Escape::Text)
            .value(&context)
            .expect("a value")
    };
    assert_eq!(value("{{ details.n }}"), json!(7));
    assert_eq!(value("{{- details.l -}}"), json!([1, 2]));
    assert_eq!(value("{{ details.missing.deep }}"), json!(null));
    assert_eq!(value("no. {{ details.n }}"), json!("no. 7"));
    assert_eq!(value("{{ details.n }}{{ details.n }}"), json!("77"));
}

#[test]
fn what_is_wrong_is_said_before_any_event() {
    assert!(
        wrong("{{ user.name ").contains("syntax error"),
        "{}",
        wrong("{{ user.name ")
    );
    assert!(wrong("{{ usr.name }}").contains("a name that there is not: usr"));
    assert!(wrong("{{ user.name|shout }}").contains("shout"));
    assert!(wrong("{% include 'x' %}").contains("error"));
    checked("{% for i in range(3) %}{{ i }}{% endfor %}", Escape::Text);
}

#[test]
fn a_template_without_an_end_is_stopped() {
    let source = "{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}";
    let template = checked(source, Escape::Text);
    let error = template.text(&Value::UNDEFINED).expect_err("it is stopped");
    assert!(error.to_string().contains("fuel"), "{error}");
}

#[test]
fn basic_authentication_can_be_written() {
    let source = "Basic {{ (user.name ~ ':' ~ user.key) | b64encode }}";
    let values = json!({"user": {"name": "a", "key": "b"}});
    assert_eq!(text(source, Escape::Text, values), "Basic YTpi");
}
