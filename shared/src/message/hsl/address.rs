//! Addresses that HSL carries.

/// The address that opens where this one is tapped: with HTML's `&amp;` and the like undone, which Haptik's own
/// samples have, and with `https://` where the scheme was left out (`www.example.com`, `example.com/help`). `None`
/// for what is no address, and for what runs or reads something where it is opened.
#[must_use]
pub fn opened(written: &str) -> Option<String> {
    const DANGEROUS: [&str; 7] = [
        "javascript",
        "vbscript",
        "data",
        "file",
        "blob",
        "about",
        "view-source",
    ];
    let url = unescaped(written);
    // A browser takes these out.
    let url = url.replace(['\n', '\r', '\t'], "");
    if let Some(rest) = url.strip_prefix("//") {
        return is_host(host(rest)).then(|| format!("https:{url}"));
    }
    let is_address = is_host(host(&url)) && !host(&url).contains('@');
    let (scheme, rest) = match url.split_once(':') {
        Some((before, after)) if !(is_address && is_port(after)) => (before, after),
        _ => return is_address.then(|| format!("https://{url}")),
    };
    let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    if !is_scheme {
        return is_address.then(|| format!("https://{url}"));
    }
    let is_dangerous = DANGEROUS
        .iter()
        .any(|dangerous| scheme.eq_ignore_ascii_case(dangerous));
    (!rest.trim_matches('/').is_empty() && !is_dangerous).then_some(url)
}

/// An address with what templates write for the signs of HTML undone, once, and without white space around it.
#[must_use]
pub(super) fn unescaped(url: &str) -> String {
    let mut rest = url.trim();
    let mut unescaped = String::with_capacity(rest.len());
    while let Some(at) = rest.find('&') {
        let (before, from) = rest.split_at(at);
        unescaped.push_str(before);
        let (sign, length) = entity(from).unwrap_or(('&', 1));
        unescaped.push(sign);
        rest = from.get(length..).unwrap_or_default();
    }
    unescaped.push_str(rest);
    unescaped
}

/// The visible sign of ASCII that a text begins with as HTML escapes it
/// (<https://html.spec.whatwg.org/multipage/named-characters.html>), and how long that is.
fn entity(text: &str) -> Option<(char, usize)> {
    const LONGEST: usize = "&#x0000;".len();
    let end = text.bytes().take(LONGEST).position(|byte| byte == b';')?;
    let name = text.get(1..end)?;
    let number = name.strip_prefix('#').and_then(|number| {
        let hex = number.strip_prefix(['x', 'X']);
        hex.map_or_else(
            || number.parse().ok(),
            |hex| u8::from_str_radix(hex, 16).ok(),
        )
    });
    let sign = match (name, number) {
        ("amp" | "AMP", _) => '&',
        ("quot", _) => '"',
        ("apos", _) => '\'',
        ("lt", _) => '<',
        ("gt", _) => '>',
        (_, Some(number)) if number.is_ascii_graphic() => char::from(number),
        _ => return None,
    };
    Some((sign, end + 1))
}

/// The address of a picture: as it opens, or else as it was sent.
#[must_use]
pub(super) fn picture(url: &str) -> String {
    opened(url).unwrap_or_else(|| unescaped(url))
}

/// The host that an address without a scheme begins with.
fn host(address: &str) -> &str {
    let end = address.find(['/', '?', '#', ':']);
    end.and_then(|end| address.get(..end)).unwrap_or(address)
}

/// Whether what stands behind a colon is a port.
fn is_port(rest: &str) -> bool {
    let digits = rest.len()
        - rest
            .trim_start_matches(|digit: char| digit.is_ascii_digit())
            .len();
    let after = rest.get(digits..).unwrap_or_default();
    (1..=5).contains(&digits) && (after.is_empty() || after.starts_with(['/', '?', '#']))
}

/// The endings of files, of which none is a top-level domain: `offer.pdf` is no host.
const FILES: [&str; 24] = [
    "pdf", "jpg", "jpeg", "png", "gif", "svg", "webp", "html", "htm", "txt", "doc", "docx", "xls",
    "xlsx", "csv", "ppt", "pptx", "json", "xml", "php", "aspx", "jsp", "mp3", "mp4",
];

/// Whether a name is that of a host, as a browser would take it: two labels or more, of which the last is
/// none of digits, or an IPv4 address.
fn is_host(name: &str) -> bool {
    if name.parse::<std::net::Ipv4Addr>().is_ok() {
        return true;
    }
    let labels: Vec<&str> = name.split('.').collect();
    let is_label = |label: &&str| {
        !label.is_empty()
            && label.chars().count() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .chars()
                .all(|letter| letter == '-' || letter == '_' || is_letter(letter))
    };
    let is_top = |label: &&str| {
        label.chars().count() > 1
            && (label.starts_with("xn--")
                || label
                    .chars()
                    .all(|letter| is_letter(letter) && !letter.is_numeric()))
    };
    let last = labels.last().copied().unwrap_or_default();
    let is_file = FILES.iter().any(|ending| last.eq_ignore_ascii_case(ending));
    labels.len() > 1
        && name.len() <= 253
        && !is_file
        && labels.iter().all(is_label)
        && labels.last().is_some_and(is_top)
}

/// Whether a character is a letter or a digit, or belongs to one beyond ASCII.
fn is_letter(character: char) -> bool {
    character.is_ascii_alphanumeric()
        || (!character.is_ascii()
            && !character.is_whitespace()
            && !character.is_control()
            && !"。，、！？：；（）「」".contains(character))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_browser_takes_for_an_address_opens_it() {
        for (written, url) in [
            ("https://a.example", "https://a.example"),
            (
                " https://a.example/?a=1&amp;b=2&#38;c ",
                "https://a.example/?a=1&b=2&c",
            ),
            (
                "https:&#x2F;&#47;a.example&#X2F;?q&#x3D;o&#39;neil&quot;&amp;&lt;",
                "https://a.example/?q=o'neil\"&<",
            ),
            (
                "https://a.example/?a=1&b;&c=&;&amp&#x3D&#0;&#10;&#9999;&#x;",
                "https://a.example/?a=1&b;&c=&;&amp&#x3D&#0;&#10;&#9999;&#x;",
            ),
            (
                "https://a.example/?a&amp;amp;b",
                "https://a.example/?a&amp;b",
            ),
            ("www.example.com/help", "https://www.example.com/help"),
            ("example.com", "https://example.com"),
            ("example.com/help?x=1", "https://example.com/help?x=1"),
            ("example.com:8080/x", "https://example.com:8080/x"),
            ("//example.com/x", "https://example.com/x"),
            ("192.168.0.1/x", "https://192.168.0.1/x"),
            ("bücher.example", "https://bücher.example"),
            ("example.com/a:b", "https://example.com/a:b"),
            ("myapp://open", "myapp://open"),
            ("mailto:help@example.com", "mailto:help@example.com"),
            ("tel:+911234", "tel:+911234"),
        ] {
            assert_eq!(opened(written).as_deref(), Some(url), "{written}");
        }
    }

    #[test]
    fn anything_else_opens_nothing() {
        for written in [
            "",
            " ",
            ":",
            "help",
            "/help",
            "#top",
            "?a=1",
            "JavaScript:alert(1)",
            "java\nscript:alert(1)",
            "javascript&#58;alert(1)",
            "&#106;avascript&#x3a;alert(1)",
            "data:text/html,x",
            "file:///etc/passwd",
            "blob:x",
            "vbscript:x",
            "java script:x",
            "https:",
            "https://",
            "a@example.com",
            "example.",
            ".com",
            "-a.com",
            "offer.pdf",
            "1.5",
            "12.30",
            "a b.com",
            "https",
        ] {
            assert_eq!(opened(written), None, "{written}");
        }
    }
}
