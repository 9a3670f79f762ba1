//! What the command line says goes before a variable.

use super::{Kept, refusal, run, text};

const STACK: (&str, &str) = ("HAPTIK_BRIDGE_STACK", "acme");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_directory_on_the_command_line_is_meant_whatever_stack_a_variable_names()
-> anyhow::Result<()> {
    let data = tempfile::tempdir()?;
    Kept::begin(data.path()).await?;
    let folder = data.path().to_str().expect("text");
    let here = ("HAPTIK_BRIDGE_DATA_DIR", folder);
    let of_aws = [
        ("HAPTIK_BRIDGE_PROFILE", "prod"),
        ("HAPTIK_BRIDGE_REGION", "eu-west-1"),
    ];
    for variables in [&[STACK, here][..], &[STACK], &of_aws] {
        let said = text(&run(&["dead", "--data-dir", folder], variables));
        assert!(said.contains("0 given up"), "{said}");
    }
    // And the other way round.
    let said = refusal(&run(&["dead", "--stack", "acme"], &[here]));
    assert!(said.contains("no AWS region is known"), "{said}");
    let two = refusal(&run(&["dead"], &[STACK, here]));
    assert!(
        two.contains("HAPTIK_BRIDGE_DATA_DIR") && two.contains("HAPTIK_BRIDGE_STACK"),
        "{two}"
    );
    let both = ["dead", "--data-dir", folder, "--stack", "acme"];
    let both = refusal(&run(&both, &[]));
    assert!(both.contains("cannot be used with"), "{both}");
    Ok(())
}

#[test]
fn a_variable_stands_behind_what_it_contradicts_or_is_nothing_without() {
    // No directory can be made there: what is understood fails at that.
    let nowhere = "/dev/null/here";
    let config = ("HAPTIK_BRIDGE_CONFIG", "/nowhere/bridge.toml");
    let bodies = ("HAPTIK_BRIDGE_BODIES", "1");
    let wait = ("HAPTIK_BRIDGE_WAIT", "1m");
    let from = ("HAPTIK_BRIDGE_FROM", "/nowhere/t.json");
    let list = ("HAPTIK_BRIDGE_LIST", "1");
    for (words, variable, expected) in [
        (
            &["check", "other.toml"][..],
            config,
            "cannot read other.toml",
        ),
        (&["--demo", "--listen", "0"], config, nowhere),
        (&["serve", "--demo", "--listen", "0"], config, nowhere),
        (&["serve", "--demo", "--listen", "0"], bodies, nowhere),
        (&["forget", "a", "--cut-off"], wait, "cannot look into"),
        (&["forget", "--list"], from, "cannot look into"),
        (&["forget", "a"], from, "cannot look into"),
        (&["forget", "a"], list, "cannot look into"),
    ] {
        let variables = [variable, ("HAPTIK_BRIDGE_DATA_DIR", nowhere)];
        let output = run(words, &variables);
        assert_eq!(output.status.code(), Some(1), "{words:?}: {output:?}");
        let said = refusal(&output);
        assert!(said.contains(expected), "{words:?}: {said}");
    }
}

#[test]
fn two_variables_that_contradict_each_other_are_both_named() {
    for (word, one, other) in [
        ("serve", "CONFIG", "DEMO"),
        ("forget", "CUT_OFF", "WAIT"),
        ("forget", "AGAIN", "LIST"),
        ("dead", "DATA_DIR", "STACK"),
    ] {
        let names = [one, other].map(|name| format!("HAPTIK_BRIDGE_{name}"));
        let variables = names.each_ref().map(|name| (name.as_str(), "1m"));
        let output = run(&[word], &variables);
        assert_eq!(output.status.code(), Some(2), "{word}: {output:?}");
        let said = refusal(&output);
        assert!(names.iter().all(|name| said.contains(name)), "{said}");
    }
}
