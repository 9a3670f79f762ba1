//! E-mail addresses.

use std::borrow::Cow;

use email_address::EmailAddress;
use url::Host;

/// The most bytes of an address (RFC 5321, 4.5.3.1.3, without the angle brackets), of what is before the at
/// sign (4.5.3.1.1), of the host's name and of each of its labels (RFC 1035, 2.3.4).
const LONGEST: usize = 254;
const LONGEST_NAME: usize = 64;
const LONGEST_HOST: usize = 253;
const LONGEST_LABEL: usize = 63;

/// Whether a text has the form of an e-mail address: a name of atoms with single dots between them, and the
/// name of a host in the DNS with a top-level domain as there are. Both may have letters of any script.
///
/// Names in quotation marks and addresses of IP are of the RFC's form and left out here: no provider takes
/// them.
#[must_use]
pub fn is_email(text: &str) -> bool {
    text.rsplit_once('@').is_some_and(|(name, host)| {
        is_name(name)
            && host_in_ascii(host).is_some_and(|host| name.len() + 1 + host.len() <= LONGEST)
    })
}

/// An address in ASCII, as those take it who know no other: its host in the form that the DNS has. `None`
/// where it is none, or the name itself has other characters.
#[must_use]
pub fn ascii_email(text: &str) -> Option<Cow<'_, str>> {
    let (name, host) = text.rsplit_once('@')?;
    if !is_email(text) || !name.is_ascii() {
        return None;
    }
    if host.is_ascii() {
        return Some(text.into());
    }
    Some(format!("{name}@{}", host_in_ascii(host)?).into())
}

fn is_name(name: &str) -> bool {
    name.len() <= LONGEST_NAME
        && !name.contains('"')
        && EmailAddress::is_valid_local_part(name)
        // The library takes any character above ASCII, a space among them.
        && !name.contains(|character: char| character.is_whitespace() || character.is_control())
}

/// The name of a host, in the DNS's own form.
fn host_in_ascii(host: &str) -> Option<String> {
    if host.contains(['%', '[', ']']) || host.ends_with('.') {
        return None;
    }
    let Ok(Host::Domain(ascii)) = Host::parse(host) else {
        return None;
    };
    let is_label = |label: &str| {
        (1..=LONGEST_LABEL).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let (_, top) = ascii.rsplit_once('.')?;
    let is_top = top.len() >= 2
        && (top.starts_with("xn--") || top.bytes().all(|byte| byte.is_ascii_alphabetic()));
    let is_host = ascii.len() <= LONGEST_HOST && is_top && ascii.split('.').all(is_label);
    is_host.then_some(ascii)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn good_addresses_are_good_however_unusual() {
        let longest = format!("{}@x.example", "n".repeat(64));
        for good in [
            "asha@example.com",
            "a.b+c@x.example",
            "o'neil@sub.domain.example.co.uk",
            "!#$%&'*+/=?^_`{|}~-@example.org",
            "1@2.example",
            "x@xn--bcher-kva.example",
            "ASHA@EXAMPLE.COM",
            "user@a-b.museum",
            "user@example.xn--p1ai",
            longest.as_str(),
        ] {
            assert!(is_email(good), "{good}");
            assert_eq!(ascii_email(good).as_deref(), Some(good), "{good}");
        }
        for (international, ascii) in [
            ("asha@bücher.example", Some("asha@xn--bcher-kva.example")),
            (
                "asha@उदाहरण.भारत",
                Some("asha@xn--p1b6ci4b4b3a.xn--h2brj9c"),
            ),
            ("आशा@example.com", None),
            ("é@x.example", None),
        ] {
            assert!(is_email(international), "{international}");
            assert_eq!(ascii_email(international).as_deref(), ascii);
        }
    }

    #[test]
    fn what_is_no_address_is_none() {
        let long_name = format!("{}@x.example", "n".repeat(65));
        let long_label = format!("a@{}.example", "l".repeat(64));
        let long = format!("{}@{}.example", "n".repeat(64), "label.".repeat(40));
        for bad in [
            "",
            "a",
            "@",
            "a@",
            "@x.example",
            "a@x",
            "a@@x.example",
            "a@b@x.example",
            "a b@x.example",
            "A <a@x.example>",
            "a@x.",
            "a@.x.example",
            "john@example..com",
            "john..doe@example.com",
            ".john@example.com",
            "john.@example.com",
            "a@-x.example",
            "a@x-.example",
            "a@x_y.example",
            "a@x.example.",
            "a@1.2.3.4",
            "a@[1.2.3.4]",
            "a@x.123",
            "a@x.c",
            "a@x.c0m",
            "a@exam ple.com",
            "a@x.example\n",
            "a,b@x.example",
            "a@x.example,b@x.example",
            "mailto:a@x.example",
            "\"a b\"@x.example",
            "a\u{a0}b@x.example",
            "a(c)@x.example",
            "a@x%2eexample.com",
            "a\\b@x.example",
            &long_name,
            &long_label,
            &long,
        ] {
            assert!(!is_email(bad), "{bad:?}");
            assert_eq!(ascii_email(bad), None, "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn each_part_of_an_address_has_its_form(text in "([a-z0-9@.+_-]|\\PC){0,20}@([a-z0-9.-]|\\PC){0,24}") {
            if let Some(address) = ascii_email(&text) {
                prop_assert!(address.is_ascii() && address.len() <= LONGEST);
                let (name, host) = address.rsplit_once('@').expect("it has one");
                prop_assert!(name.split('.').all(|atom| !atom.is_empty()));
                prop_assert!(host.split('.').count() > 1);
                let is_label = |label: &str| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-');
                prop_assert!(host.split('.').all(is_label));
            }
        }

        #[test]
        fn addresses_of_plain_atoms_and_labels_are_good(
            name in "[a-z0-9!#$%&'*+/=?^_`{|}~-]{1,12}(\\.[a-z0-9]{1,12}){0,3}",
            host in "([a-z0-9]([a-z0-9]{0,8}[a-z0-9])?\\.){1,3}[a-z]{2,8}",
        ) {
            let address = format!("{name}@{host}");
            let good = ascii_email(&address);
            prop_assert_eq!(good.as_deref(), Some(address.as_str()));
        }
    }
}
