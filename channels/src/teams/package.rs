//! The app package by which a company's administrators make the bot known to Teams
//! (<https://learn.microsoft.com/microsoftteams/platform/concepts/build-and-test/apps-package>): the manifest
//! ([schema](https://developer.microsoft.com/json-schemas/teams/v1.19/MicrosoftTeams.schema.json)) and two icons.

use serde_json::json;
use url::Url;

use super::config::Config;
use crate::channel::BuildError;
use crate::limits::Size;
use crate::package::{About, PackedFile};

/// The version of the manifest's schema.
const SCHEMA: &str = "1.19";

/// The icons: 192 × 192 in full colour, and 32 × 32 in white on nothing.
const COLOR: &[u8] = include_bytes!("package/color.png");
const OUTLINE: &[u8] = include_bytes!("package/outline.png");

/// What surrounds the icon in colour.
const ACCENT: &str = "#4F46B8";

/// The longest texts, in code points, and addresses.
const SHORT_NAME: Size = Size::chars(30);
const NAME: Size = Size::chars(100);
const DEVELOPER: Size = Size::chars(32);
const SHORT_DESCRIPTION: Size = Size::chars(80);
const DESCRIPTION: Size = Size::chars(4_000);
const ADDRESS: Size = Size::chars(2_048);

/// The files of the package of a bot. The app has the bot's id: each needs one of its own, and no other app
/// has this one.
///
/// # Errors
/// When Teams would not take it.
pub(super) fn package(config: &Config, about: &About) -> Result<Vec<PackedFile>, BuildError> {
    check(about)?;
    let manifest = json!({
        "$schema": format!("https://developer.microsoft.com/json-schemas/teams/v{SCHEMA}/MicrosoftTeams.schema.json"),
        "manifestVersion": SCHEMA,
        "version": about.version,
        "id": config.app_id,
        "developer": {
            "name": about.developer,
            "websiteUrl": about.website,
            "privacyUrl": about.privacy,
            "termsOfUseUrl": about.terms,
        },
        "name": {"short": SHORT_NAME.clip(&about.name), "full": about.name},
        "description": {
            "short": SHORT_DESCRIPTION.clip(&about.description), "full": about.description,
        },
        "icons": {"color": "color.png", "outline": "outline.png"},
        "accentColor": ACCENT,
        "bots": [{
            "botId": config.app_id,
            "scopes": ["personal", "team", "groupChat"],
            "supportsFiles": true,
            "isNotificationOnly": false,
        }],
        "validDomains": [],
    });
    let file = |name, content: &[u8]| PackedFile {
        name,
        content: content.to_vec(),
    };
    Ok(vec![
        file("manifest.json", format!("{manifest:#}\n").as_bytes()),
        file("color.png", COLOR),
        file("outline.png", OUTLINE),
    ])
}

/// Checks what the manifest's schema asks for.
fn check(about: &About) -> Result<(), BuildError> {
    let texts = [
        ("the name", &about.name, NAME),
        ("the description", &about.description, DESCRIPTION),
        ("the developer's name", &about.developer, DEVELOPER),
    ];
    for (what, text, most) in texts {
        if text.trim().is_empty() || !most.fits(text) {
            let most = most.max;
            return Err(BuildError(format!(
                "{what} is empty, or has more than {most} characters"
            )));
        }
    }
    let addresses = [
        ("the website", &about.website),
        ("the privacy page", &about.privacy),
        ("the page of the terms of use", &about.terms),
    ];
    for (what, address) in addresses {
        let is_https = Url::parse(address).is_ok_and(|url| url.scheme() == "https");
        if !is_https || !ADDRESS.fits(address) {
            return Err(BuildError(format!("{what} is not an https URL")));
        }
    }
    let numbers: Vec<&str> = about.version.split('.').collect();
    let is_number = |text: &&str| {
        let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
        is_plain && (1..=5).contains(&text.len()) && (*text == "0" || !text.starts_with('0'))
    };
    if numbers.len() != 3 || !numbers.iter().all(is_number) {
        return Err(BuildError(
            "the version is not of the form 1.0.0".to_owned(),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
