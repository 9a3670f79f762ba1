//! Addresses in a form that providers take.

use url::Url;

use crate::limits::Size;

/// An http or https address in a form that providers take, within a size: as it was written where that is
/// a proper address, else with what is odd in it percent-encoded.
#[must_use]
pub fn web_address(text: &str, size: Size) -> Option<String> {
    let text = text.trim();
    let url = Url::parse(text)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https"))?;
    url.host_str().filter(|host| !host.is_empty())?;
    let (scheme, rest) = text.split_once(':')?;
    let proper = rest.starts_with("//")
        && scheme.bytes().all(|byte| byte.is_ascii_lowercase())
        && rest
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !b"<>|\"\\`^{}".contains(&byte));
    let address = if proper {
        text.to_owned()
    } else {
        url.as_str().replace('|', "%7C").replace('`', "%60")
    };
    Some(address).filter(|address| size.fits(address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_kept_as_written_where_it_is_a_proper_one() {
        let address = |text| web_address(text, Size::utf16(3_000));
        assert_eq!(
            address(" https://google.com ").as_deref(),
            Some("https://google.com")
        );
        assert_eq!(
            address("https://a.example/ü b|c").as_deref(),
            Some("https://a.example/%C3%BC%20b%7Cc")
        );
        assert_eq!(
            address("HTTPS:a.example").as_deref(),
            Some("https://a.example/")
        );
        for odd in [
            "",
            "a.example",
            "javascript:alert(1)",
            "mailto:a@b.example",
            "https://",
            "data:text/html,x",
        ] {
            assert_eq!(address(odd), None, "{odd}");
        }
        assert_eq!(
            address(&format!("https://a.example/{}", "x".repeat(3_000))),
            None
        );
    }
}
