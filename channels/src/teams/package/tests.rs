use serde_json::Value;

use super::*;
use crate::teams::tests::config;

fn about() -> About {
    About {
        name: "Help".to_owned(),
        description: "Answers your questions.".to_owned(),
        developer: "Acme".to_owned(),
        website: "https://www.example.com".to_owned(),
        privacy: "https://www.example.com/privacy".to_owned(),
        terms: "https://www.example.com/terms".to_owned(),
        version: "1.0.0".to_owned(),
    }
}

fn manifest(about: &About) -> Value {
    let files = package(&config(), about).expect("a package");
    assert_eq!(files[0].name, "manifest.json");
    serde_json::from_slice(&files[0].content).expect("JSON")
}

/// The width and the height that a PNG says.
fn size(png: &[u8]) -> (u32, u32) {
    assert_eq!(&png[..8], b"\x89PNG\r\n\x1a\n");
    let number = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().expect("four bytes"));
    (number(16), number(20))
}

#[test]
fn a_package_has_the_manifest_of_the_bot_and_icons_of_the_right_sizes() {
    let files = package(&config(), &about()).expect("a package");
    let names: Vec<&str> = files.iter().map(|file| file.name).collect();
    assert_eq!(names, ["manifest.json", "color.png", "outline.png"]);
    assert_eq!(size(&files[1].content), (192, 192));
    assert_eq!(size(&files[2].content), (32, 32));
    let manifest = manifest(&about());
    assert_eq!(manifest["bots"][0]["botId"], config().app_id);
    assert_eq!(manifest["bots"][0]["supportsFiles"], true);
}

#[test]
fn a_name_that_is_too_long_is_cut_where_it_has_to_be_short() {
    let mut long = about();
    long.name = "ä".repeat(100);
    long.description = "word ".repeat(100).trim().to_owned();
    let manifest = manifest(&long);
    let length = |at: &str| {
        let text = manifest.pointer(at).and_then(Value::as_str);
        text.expect("a text").chars().count()
    };
    assert!((20..=30).contains(&length("/name/short")));
    assert_eq!(length("/name/full"), 100);
    assert!((40..=80).contains(&length("/description/short")));
}

#[test]
fn what_teams_would_not_take_is_said() {
    let changes: [fn(&mut About); 9] = [
        |about| about.name = " ".to_owned(),
        |about| about.name = "x".repeat(101),
        |about| about.developer = "x".repeat(33),
        |about| about.website = "http://www.example.com".to_owned(),
        |about| about.privacy = String::new(),
        |about| about.terms = "www.example.com".to_owned(),
        |about| about.version = "1.0".to_owned(),
        |about| about.version = "1.0.x".to_owned(),
        |about| about.version = "1.00.0".to_owned(),
    ];
    for change in changes {
        let mut about = about();
        change(&mut about);
        assert!(package(&config(), &about).is_err(), "{about:?}");
    }
}
