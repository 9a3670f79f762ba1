//! Cards and pictures.

use url::Url;

use super::Renderer;
use super::piece::Piece;
use crate::slack::limits;
use crate::slack::markup::{bold, link, mrkdwn, plain, web_address};
use crate::slack::tap::BUTTONS;
use haptik_bridge_shared::message::hsl::Card;

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

/// Files that are no pictures, or none that Slack shows (it shows png, jpg and gif).
const OTHER_FILES: &[&str] = &[
    ".svg", ".tif", ".tiff", ".bmp", ".ico", ".heic", ".avif", ".pdf", ".html", ".htm",
];

impl Renderer<'_> {
    /// Cards, in groups that stay together: side by side where Slack's own cards hold them, else below each
    /// other.
    pub(super) fn cards(&mut self, cards: &[Card], text: &str) -> Vec<Vec<Piece>> {
        let carousels = self.carousels.then(|| self.carousels(cards, text));
        match carousels.flatten() {
            Some(carousels) => carousels.into_iter().map(|one| vec![one]).collect(),
            None => cards.iter().map(|card| self.card(card, text)).collect(),
        }
    }

    /// A card: picture, title, texts, buttons. `text` is the message's own, which describes a picture
    /// that has no title.
    fn card(&mut self, card: &Card, text: &str) -> Vec<Piece> {
        let lines = [
            bold(&card.title),
            mrkdwn(&card.sub_title),
            mrkdwn(&card.description),
        ];
        let lines: Vec<String> = lines
            .into_iter()
            .filter(|line| !line.trim().is_empty())
            .collect();
        let mut pieces = picture(&card.thumbnail, &[&card.title, text]);
        pieces.extend(Piece::sections(&lines.join("\n")));
        pieces.extend(self.actionables(BUTTONS, &card.actionables));
        pieces
    }
}

/// A picture, described by the first of the titles that is not empty; a link where it is a video or
/// nothing that Slack can show.
pub(super) fn picture(address: &str, titles: &[&str]) -> Vec<Piece> {
    if address.trim().is_empty() {
        return Vec::new();
    }
    let Some(url) = web_address(address, limits::URL) else {
        return Piece::sections(&mrkdwn(address));
    };
    let title = described(titles);
    let linked = |sign: &str, label: &str| {
        let linked = format!("{sign} {}", link(&url, label));
        // A link is never cut, so one that fills a section stands as text.
        if limits::fits(&linked, limits::SECTION_TEXT) {
            Piece::sections(&linked)
        } else {
            Piece::sections(&mrkdwn(&url))
        }
    };
    match kind(&url) {
        Kind::Image => vec![Piece::image(&url, &title)],
        Kind::Video => linked("▶", "Watch the video"),
        Kind::Other => linked("🔗", &limits::shortened(&title, limits::BUTTON_TEXT)),
    }
}

/// What a picture shows, by the first of the titles that is not empty.
pub(super) fn described(titles: &[&str]) -> String {
    let title = titles
        .iter()
        .find_map(|title| plain(&title.replace('*', ""), limits::ALT_TEXT));
    title.unwrap_or_else(|| "Image".to_owned())
}

/// Whether an address is probably one of a picture that Slack shows.
pub(super) fn is_picture(address: &str) -> bool {
    matches!(kind(address), Kind::Image)
}

enum Kind {
    Image,
    Video,
    Other,
}

/// What is probably behind an address: anything that does not look like something else is an image.
fn kind(address: &str) -> Kind {
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
