//! Addresses, and what is probably behind them.

use url::Url;

use super::inline::label;
use crate::limits::{PictureTypes, Size};

/// The digits of a number to call; `None` when it is none that a telephone could dial.
pub(super) fn dialled(number: &str) -> Option<String> {
    let dialled: String = number
        .chars()
        .filter(|character| character.is_ascii_digit() || "+*#".contains(*character))
        .collect();
    let proper = !dialled.is_empty() && dialled.len() <= 32 && number.len() <= 64;
    proper.then_some(dialled)
}

/// The address that calls a number; `None` when it is none that a telephone could dial. What stands behind a `#` in an
/// address is not dialled.
pub(crate) fn call(number: &str) -> Option<String> {
    Some(format!("tel:{}", dialled(number)?.replace('#', "%23")))
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
pub(crate) enum Kind {
    /// A picture that the provider shows: anything that does not look like something else.
    Image,
    /// Another picture.
    OtherPicture,
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

/// Pictures. Which of them a provider shows is among its limits.
const PICTURES: &[&str] = &[
    ".png", ".jpg", ".jpeg", ".gif", ".webp", ".svg", ".tif", ".tiff", ".bmp", ".ico", ".heic",
    ".avif",
];

/// Files that are no pictures.
#[rustfmt::skip]
const DOCUMENTS: &[&str] = &[
    ".pdf", ".html", ".htm", ".txt", ".csv", ".tsv", ".json", ".xml", ".md", ".rtf", ".log", ".ics", ".vcf", ".epub",
    ".doc", ".docx", ".xls", ".xlsx", ".xlsm", ".ppt", ".pptx", ".odt", ".ods", ".odp",
    ".zip", ".gz", ".tgz", ".tar", ".rar", ".7z",
    ".mp3", ".ogg", ".oga", ".opus", ".wav", ".m4a", ".aac", ".flac", ".amr",
];

/// What is probably behind an address, for a provider that shows these types of pictures.
pub(crate) fn kind(address: &str, shown: PictureTypes) -> Kind {
    let Ok(url) = Url::parse(address) else {
        return Kind::Other;
    };
    let host = url.host_str().unwrap_or_default().trim_end_matches('.');
    let path = url.path().to_ascii_lowercase();
    let ends_with = |endings: &[&str]| endings.iter().any(|end| path.ends_with(end));
    let is_at = |known: &str| {
        host.strip_suffix(known)
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    if VIDEO_HOSTS.iter().any(|known| is_at(known))
        || ends_with(VIDEO_FILES)
        || path.contains("/embed/")
    {
        Kind::Video
    } else if ends_with(PICTURES) && !ends_with(shown) {
        Kind::OtherPicture
    } else if ends_with(DOCUMENTS) {
        Kind::Other
    } else {
        Kind::Image
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::{STILL, WITH_GIF, WITH_WEBP};

    #[test]
    fn a_picture_is_one_where_the_provider_shows_its_type() {
        let kind = |name: &str, shown| kind(&format!("https://a.example/{name}"), shown);
        for name in ["a.png", "a.JPG?x=1", "a.jpeg", "a", "a.php"] {
            assert_eq!(kind(name, STILL), Kind::Image, "{name}");
        }
        for (name, first) in [("a.gif", WITH_GIF), ("a.webp", WITH_WEBP)] {
            assert_eq!(kind(name, STILL), Kind::OtherPicture, "{name}");
            assert_eq!(kind(name, first), Kind::Image, "{name}");
        }
        for name in ["a.pdf", "a.DOCX?x=1", "b/a.xlsx", "a.zip", "a.mp3"] {
            assert_eq!(kind(name, WITH_WEBP), Kind::Other, "{name}");
        }
        assert_eq!(kind("a.webp", WITH_GIF), Kind::OtherPicture);
        assert_eq!(kind("a.svg", WITH_WEBP), Kind::OtherPicture);
    }

    #[test]
    fn a_number_that_nobody_could_dial_is_none() {
        assert_eq!(dialled("+91 (12) 34").as_deref(), Some("+911234"));
        for odd in ["", "call us", &"1".repeat(33), &" ".repeat(65)] {
            assert_eq!(dialled(odd), None, "{odd}");
        }
    }
}
