use super::*;

/// Where an app of the tests is installed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Place(pub(super) String);

impl Tenant for Place {
    const NOUN: &'static str = "place";
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[test]
fn why_there_is_no_token_says_whether_somebody_can_mend_it() {
    let tenant = || Place("P1".to_owned());
    let table = |retry| NoToken::Table {
        reason: "DynamoDB is away".to_owned(),
        retry,
    };
    for (error, refusal, text) in [
        (
            NoToken::NotInstalled {
                tenant: tenant(),
                ended: false,
            },
            Refusal::Refused,
            "the app is not installed in the place P1",
        ),
        (
            NoToken::NotInstalled {
                tenant: tenant(),
                ended: true,
            },
            Refusal::Refused,
            "the app was removed from the place P1",
        ),
        (
            NoToken::NoTenant,
            Refusal::Refused,
            "it names no place: it is older than the connection's installation by OAuth",
        ),
        (
            NoToken::CannotDecrypt { tenant: tenant() },
            Refusal::Unauthorized,
            "no key of token_encryption_keys opens the token of the place P1",
        ),
        (
            table(Retry::Later(None)),
            Refusal::Unavailable(None),
            "DynamoDB is away",
        ),
        (table(Retry::Never), Refusal::Refused, "DynamoDB is away"),
    ] {
        let sent = SendError::from(&error);
        assert_eq!((sent.refusal, sent.reason.as_str()), (refusal, text));
        assert_eq!(sent.retry() == Retry::Never, error.retry() == Retry::Never);
    }
}
