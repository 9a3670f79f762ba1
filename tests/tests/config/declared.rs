//! What holds of every key, whatever it is: tested of all that are declared.

use toml::{Table, Value};

use super::*;

/// A token as Telegram makes them: nothing about its beginning says that it is one.
const TOKEN: &str = "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw";

/// The base64 of 32 bytes.
const KEY: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

/// One key of one table of a good configuration in which it is.
struct Case {
    base: Table,
    table: &'static str,
    /// The name of the table in the configuration; none of a table of which there is one.
    name: Option<String>,
    key: KeyDoc,
}

impl Case {
    fn path(&self, key: &str) -> String {
        let name = self.name.as_deref();
        let name = name.map(|name| format!(".{name}")).unwrap_or_default();
        format!("{}{name}.{key}", self.table)
    }

    /// What comes of the configuration when its table is changed.
    fn changed(&self, change: impl FnOnce(&mut Table)) -> (String, Result<Config, ConfigErrors>) {
        let mut base = self.base.clone();
        let table = base[self.table].as_table_mut().expect("a table");
        let table = match &self.name {
            Some(name) => table[name].as_table_mut().expect("a table"),
            None => table,
        };
        change(table);
        let text = base.to_string();
        let read = parse(&text);
        (text, read)
    }

    /// The one error that comes of it.
    #[track_caller]
    fn error(&self, change: impl FnOnce(&mut Table)) -> (String, String) {
        let (text, read) = self.changed(change);
        let errors = read.expect_err(&self.path(self.key.key));
        let errors: Vec<_> = errors.iter().collect();
        let [error] = errors.as_slice() else {
            panic!(
                "one error of {}: {errors:#?}\n{text}",
                self.path(self.key.key)
            )
        };
        (error.path.clone(), error.message.clone())
    }
}

/// The example, and the example with what it shows as the other way.
fn bases() -> [Table; 2] {
    let other = example()
        .replace(
            "bot_token = \"xoxb-example-bot-token\"",
            &format!(
                "client_id = '1.2'\nclient_secrets = 's'\ntoken_encryption_keys = '{KEY}'\nscopes = \
                 ['im:read']\noauth_base_url = 'https://s.example'\npublic_url = 'https://b.example'"
            ),
        )
        .replace(
            "username = \"haptik.bridge\"\npassword = \"example-servicenow-password\"",
            "client_id = 'id'\nclient_secret = 'secret'",
        )
        .replace("# sync_url", "sync_url")
        .replace("# rate_per_second", "rate_per_second")
        .replace("# mask", "mask")
        .replace("# description", "description");
    [example(), &other].map(|text| {
        let mut base: Table = text.parse().expect("TOML");
        let connections = base["channels"].as_table_mut().expect("connections");
        for (_, connection) in connections {
            // Of its own, so that the account need have none.
            let connection = connection.as_table_mut().expect("a connection");
            connection
                .entry("business_id")
                .or_insert(Value::Integer(343));
        }
        base
    })
}

fn cases() -> Vec<Case> {
    let bases = bases();
    let mut cases = Vec::new();
    for TableDoc {
        table,
        type_name,
        keys,
    } in registry::all().tables()
    {
        let is_ticket_sink = TicketTexts::keys().iter().all(|key| keys.contains(key));
        for key in keys {
            // The example shows them with the first one.
            if is_ticket_sink && TicketTexts::keys().contains(&key) && type_name != Some("zendesk")
            {
                continue;
            }
            let found = bases.iter().find_map(|base| {
                let of_table = base[table].as_table().expect("a table");
                if of_table.contains_key(key.key) {
                    return Some((base, None));
                }
                let mut named = of_table.iter().filter_map(|(name, named)| {
                    let named = named.as_table()?;
                    let of_type = type_name.is_none_or(|name| named["type"].as_str() == Some(name));
                    (of_type && named.contains_key(key.key)).then(|| name.clone())
                });
                Some((base, Some(named.next()?)))
            });
            let (base, name) = found.unwrap_or_else(|| panic!("{table}.{} is nowhere", key.key));
            cases.push(Case {
                base: base.clone(),
                table,
                name,
                key,
            });
        }
    }
    cases
}

/// Whether a key must be in its table in the configurations in which it is.
fn is_needed(key: &KeyDoc) -> bool {
    let in_some = ["client_secrets", "token_encryption_keys", "team_name"];
    key.otherwise == WhenMissing::Required || in_some.contains(&key.key)
}

fn is_alternative(key: &KeyDoc) -> bool {
    let words = [
        "bot_token",
        "username",
        "password",
        "client_id",
        "client_secret",
    ];
    matches!(key.otherwise, WhenMissing::Words(_)) && words.contains(&key.key)
}

#[test]
fn a_key_that_must_be_there_is_missed_and_another_is_not() {
    let mut missed = 0;
    for case in cases().iter().filter(|case| !is_alternative(&case.key)) {
        let key = case.key.key;
        if !is_needed(&case.key) {
            let (_, read) = case.changed(|table| drop(table.remove(key)));
            assert!(read.is_ok(), "{}: {read:?}", case.path(key));
            continue;
        }
        missed += 1;
        let (path, message) = case.error(|table| drop(table.remove(key)));
        assert_eq!(path, case.path(key));
        assert!(message.starts_with("missing"), "{path}: {message}");
        assert!(message.ends_with(&case.key.allowed), "{path}: {message}");
    }
    assert!(missed > 25, "{missed}");
}

#[test]
fn a_table_needs_no_more_than_what_is_required() {
    for base in bases() {
        let mut least = base.clone();
        for TableDoc {
            table,
            type_name,
            keys,
        } in registry::all().tables()
        {
            let optional = keys.iter().filter(|key| {
                !is_needed(key)
                    && !is_alternative(key)
                    && key.key != "haptik"
                    && key.key != "team_name"
            });
            for (_, named) in least[table].as_table_mut().expect("a table") {
                let Some(named) = named.as_table_mut() else {
                    continue;
                };
                if type_name.is_none_or(|name| named["type"].as_str() == Some(name)) {
                    optional.clone().for_each(|key| drop(named.remove(key.key)));
                }
            }
        }
        for (_, account) in least["haptik"].as_table_mut().expect("accounts") {
            let account = account.as_table_mut().expect("an account");
            account.insert("business_id".to_owned(), Value::Integer(1));
        }
        let config = parse(&least.to_string()).unwrap_or_else(|errors| panic!("{errors}"));
        let crm = &config.sinks["crm-jira"];
        assert_eq!(
            (crm.follow_ups, crm.rate_per_second),
            (Some(false), Some(10))
        );
        let audit = &config.sinks["audit"];
        assert_eq!((audit.follow_ups, audit.rate_per_second), (None, None));
    }
}

#[test]
fn a_value_of_another_type_is_refused_with_what_is_allowed() {
    for case in cases() {
        let (path, message) = case.error(|table| {
            let date = "1979-05-27".parse().expect("a date");
            table.insert(case.key.key.to_owned(), Value::Datetime(date));
        });
        let expected = format!("found a date or time; allowed: {}", case.key.allowed);
        assert_eq!((path, message), (case.path(case.key.key), expected));
    }
}

#[test]
fn a_misspelt_key_is_unknown_and_the_one_that_was_meant_is_named() {
    for case in cases() {
        let key = case.key.key;
        let misspelt = format!("{key}x");
        let (path, message) = case.error(|table| {
            table.insert(misspelt.clone(), Value::String(TOKEN.to_owned()));
        });
        assert_eq!(path, case.path(&misspelt));
        assert!(message.starts_with("unknown key (it holds a string)"));
        let hint = format!("did you mean {key}?; allowed: ");
        assert!(message.contains(&hint), "{path}: {message}");
        assert!(!message.contains(TOKEN), "{path}: {message}");
    }
}

#[test]
fn a_secret_under_any_key_is_never_printed() {
    let text = Value::String(TOKEN.to_owned());
    let table = |key: &str| Value::Table([(key.to_owned(), text.clone())].into_iter().collect());
    let values = [
        text.clone(),
        Value::Array(vec![text.clone()]),
        table("x"),
        table(TOKEN),
        Value::String(format!(
            "{{{{ {TOKEN} }}}} {{{{ user | {} }}}}",
            &TOKEN[10..]
        )),
    ];
    for case in cases() {
        for value in &values {
            let change = |table: &mut Table| {
                table.insert(case.key.key.to_owned(), value.clone());
            };
            let (text, read) = case.changed(change);
            let mut printed = match read {
                Ok(config) => {
                    let warnings = config.warnings().join("\n");
                    if case.key.is_secret {
                        format!("{warnings}{config:?}{config:#?}")
                    } else {
                        warnings
                    }
                }
                Err(errors) => format!("{errors}\n{errors:?}"),
            };
            printed.retain(|character| character != '\\');
            assert!(
                !printed.contains(&TOKEN[10..]),
                "{}: {printed}\n{text}",
                case.path(case.key.key)
            );
        }
        let as_key = case.error(|table| drop(table.insert(TOKEN.to_owned(), Value::Integer(1))));
        assert!(!format!("{as_key:?}").contains(TOKEN), "{as_key:?}");
    }
}
