//! No secret is printed, and no text makes the reader panic.

use proptest::prelude::*;

use super::*;

#[test]
fn the_path_of_a_url_may_be_what_keeps_it_private() {
    let config = minimal_and(
        r#"
        [channels.app]
        type = "custom"
        signing_secrets = ["whsec_MDEyMzQ1Njc4OWFiY2RlZg=="]
        callback_url = "http://app.example/hunter2-path?token=hunter2-query"
        "#,
    );
    let printed = format!("{config:?}{config:#?}{}", config.warnings().join("\n"));
    assert!(!printed.contains("hunter2") && printed.contains("http://app.example"));
    assert!(!printed.contains("MDEyMzQ1Njc4OWFiY2RlZg"), "{printed}");
}

#[test]
fn errors_print_no_secret() {
    for text in [
        // Of the wrong type, under misspelt and misplaced keys.
        "[haptik.main]\ntoken = { a = 'hunter2' }\nwebhook_secrets = [['hunter2']]",
        "[haptik.main]\ntokn = 'hunter2'\nsecret = ['hunter2']\nx = { hunter = 'hunter2' }",
        "token = 'hunter2'\n[delivery]\ntoken = 'hunter2'\n[channels]\nbot_token = 'hunter2'",
        // Not allowed.
        "[haptik.main]\ntoken = 'hunter2 x'\nclient_id = 'hunter2 ä'\nwebhook_secrets = '<hunter2>'",
        "[channels.x]\ntype = 'custom'\nsigning_secrets = ['hunter2', 'whsec_hunter2!']",
        "[channels.x]\ntype = 'slack'\nclient_id = 'hunter2 ä'\nclient_secrets = 'hunter2 x'",
        "[channels.x]\ntype = 'slack'\ntoken_encryption_keys = ['hunter2']\nscopes = 'xoxb-hunter2-hunter2-hunter2'",
        // In a URL.
        "[haptik.main]\nbase_url = 'https://a:hunter2@x.example'\nsync_url = 'https://hunter2@x'",
        "[haptik.main]\nbase_url = 'https://x.example/?t=hunter2'\nsync_url = 'https://x/#hunter2'",
        "[haptik.main]\nbase_url = 'hunter2'\nsync_url = 'hunter2://x'",
        "[channels.x]\ntype = 'custom'\ncallback_url = 'https://x.example/hunter2 x'",
        // In the place of something else.
        "[haptik.main]\n'xoxb-hunter2-hunter2-hunter2' = 1\nwhsec_hunter2hunter2hunter2 = 1\n[channels.x]\ntype = 'xoxb-hunter2-hunter2-hunter2'",
        "[channels.x]\nhaptik = 'whsec_hunter2hunter2hunter2'\n[delivery]\ngive_up_after = 'xoxb-hunter2-hunter2-hunter2'",
        "[haptik.whsec_hunter2hunter2hunter2]\nbase_url = ''\n[channels.x]\ntype = 'slack'\n[haptik.b]",
        "[haptik.whsec_hunter2hunter2hunter2]\n[channels.x]\nhaptik = 'whsec_hunter2hunter2hunter3'",
        "[haptik.whsec_hunter2hunter2hunter2]\n[channels.x]",
        // Not TOML.
        "[haptik.main]\ntoken = hunter2",
        "[haptik.main]\ntoken = \"hunter2\nclient_id = 'hunter2",
        "[haptik.main]\ntoken 'hunter2'\nwebhook_secrets = ['hunter2' 'hunter2'",
        "[haptik.main]\ntoken = \"hunter2\\q\"\ntoken = 'hunter2'\ntoken = '''hunter2",
        "[haptik.main]\ntoken = 2020-13-99hunter2\nb = 0xhunter2\nc = 1hunter2\nd = +hunter2",
    ] {
        let errors = parse(text).expect_err("it is refused");
        for printed in [
            errors.to_string(),
            format!("{errors:?}"),
            format!("{errors:#?}"),
        ] {
            assert!(!printed.contains("hunter2"), "{text}\n{printed}");
        }
    }
}

/// Words of the configuration and of TOML, from which nearly good texts are made.
const WORDS: &str = r#"[haptik.main] [channels.x] [sinks.s] [delivery] [outbound] [[haptik]] haptik channels.x type
    token bot_token client_secrets token_encryption_keys scopes oauth_base_url public_url signing_secrets
    webhook_secrets base_url callback_url api_base_url business_id conversation events url client_id
    reorder_window_ms give_up_after entry_ttl allow_private_networks "slack" "custom" 'webhook' 'https://…/ü'
    'http://[::1]:99999' 'https://xn--' -1 0x 99999999999999999999999 1e999 nan 1979-05-27 07:32:00 true '24h'
    '99999999999999999999y' '1.5µs' 'whsec_==' '' "\u0000" { } [ ] , = = = = ' " ''' # . é"#;

fn words() -> Vec<&'static str> {
    let other = ["\n", "\n", "\n", "\n", "\u{feff}", "\r"];
    WORDS.split_whitespace().chain(other).collect()
}

/// Reads a text and prints all that there is to print.
fn read(text: &str) {
    match parse(text) {
        Ok(config) => drop((format!("{config:?}"), config.warnings())),
        Err(errors) => {
            let places: Vec<_> = errors.iter().map(|error| error.position).collect();
            assert!(!places.is_empty() && places.is_sorted(), "{errors}");
        }
    }
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        read(&text);
    }

    #[test]
    fn any_nearly_good_text_is_read_or_refused(
        words in prop::collection::vec(prop::sample::select(words()), 0..80),
        separator in "[ \n]?",
    ) {
        read(&words.join(&separator));
    }

    #[test]
    fn any_value_of_any_key_is_read_or_refused(
        value in any::<String>(),
        number in any::<i64>(),
        table in prop::sample::select(&["haptik.main", "channels.x", "sinks.s", "delivery"][..]),
        kind in prop::sample::select(&["slack", "custom", "webhook"][..]),
    ) {
        let text = toml::Value::String(value).to_string();
        let is_key = |word: &&str| {
            word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
                && !["type", "true", "nan"].contains(word)
        };
        for value in [&text, &number.to_string(), &format!("[{text}, {number}]")] {
            let keys: Vec<_> = words().into_iter().filter(is_key).collect();
            let lines: Vec<_> = keys.iter().map(|key| format!("{key} = {value}\n")).collect();
            read(&format!("[{table}]\ntype = '{kind}'\n{}", lines.concat()));
        }
    }

    #[test]
    fn the_example_with_a_piece_cut_out_is_read_or_refused(
        start in any::<prop::sample::Index>(),
        length in 0..200_usize,
        piece in "\\PC{0,3}",
    ) {
        let characters: Vec<char> = example().chars().collect();
        let start = start.index(characters.len());
        let before = characters.iter().take(start);
        let after = characters.iter().skip(start + length);
        let text: String = before.copied().chain(piece.chars()).chain(after.copied()).collect();
        read(&text);
    }
}
