//! Addresses, and what is probably behind them.

use url::Url;

use super::inline::label;
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

/// The digits of a number to call; `None` when it is none that a telephone could dial.
pub(super) fn dialled(number: &str) -> Option<String> {
    let dialled: String = number
        .chars()
        .filter(|character| character.is_ascii_digit() || "+*#".contains(*character))
        .collect();
    let proper = !dialled.is_empty() && dialled.len() <= 32 && number.len() <= 64;
    proper.then_some(dialled)
}

/// What a picture shows, by the first of the titles that is not empty.
pub(super) fn described(titles: &[&str], size: Size) -> String {
    let title = titles
        .iter()
        .find_map(|title| label(&title.replace('*', ""), size));
    title.unwrap_or_else(|| "Image".to_owned())
}

/// What is probably behind an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A picture that providers show: anything that does not look like something else.
    Image,
    /// A video, or a page that plays one.
    Video,
    /// Something else.
    Other,
}

/// Where videos are played in a page of their own.
const VIDEO_HOSTS: &[&str] = &[
    "youtube.com",
    "youtube-nocookie.com",
    "youtu.be",
    "vimeo.com",
    "dailymotion.com",
    "wistia.net",
    "loom.com",
];

const VIDEO_FILES: &[&str] = &[".mp4", ".webm", ".mov", ".m4v", ".avi", ".mkv", ".m3u8"];

/// Files that are no pictures, or none that providers show (they show png, jpg and gif).
const OTHER_FILES: &[&str] = &[
    ".svg", ".tif", ".tiff", ".bmp", ".ico", ".heic", ".avif", ".pdf", ".html", ".htm",
];

/// What is probably behind an address.
pub(super) fn kind(address: &str) -> Kind {
    let Ok(url) = Url::parse(address) else {
        return Kind::Other;
    };
    let host = url.host_str().unwrap_or_default().trim_end_matches('.');
    let path = url.path().to_ascii_lowercase();
    let is_at = |known: &str| {
        host.strip_suffix(known)
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    if VIDEO_HOSTS.iter().any(|known| is_at(known))
        || VIDEO_FILES.iter().any(|end| path.ends_with(end))
        || path.contains("/embed/")
    {
        Kind::Video
    } else if OTHER_FILES.iter().any(|end| path.ends_with(end)) {
        Kind::Other
    } else {
        Kind::Image
    }
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

    #[test]
    fn a_number_that_nobody_could_dial_is_none() {
        assert_eq!(dialled("+91 (12) 34").as_deref(), Some("+911234"));
        for odd in ["", "call us", &"1".repeat(33), &" ".repeat(65)] {
            assert_eq!(dialled(odd), None, "{odd}");
        }
    }
}
