//! `package` of the real binary.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

const CONFIG: &str = r#"
[haptik.main]
base_url = "https://haptik.example"
token = "a-token-of-haptik-0123456789"
client_id = "acme"
business_id = 1
webhook_secrets = ["a-secret-of-haptik-0123456789"]

[channels.acme-teams]
type = "teams"
app_id = "11111111-2222-3333-4444-555555555555"
tenant_id = "a1b2c3d4-e5f6-7890-abcd-ef1234567890"
client_secret = "a-secret-of-the-bot-0123456789"

[channels.acme-telegram]
type = "telegram"
bot_token = "7000000000:AAEhBOweik6ad9r_QXMENQjcrGbqCr4K-bc"
secret_tokens = ["0123456789abcdef0123456789abcdef"]
"#;

/// Packs a connection in a folder that has the configuration.
fn package(folder: &Path, connection: &str, more: &[&str]) -> Output {
    std::fs::write(folder.join("bridge.toml"), CONFIG).expect("a file");
    let about = ["--name", "Help", "--developer", "Acme", "--website"];
    Command::new(env!("CARGO_BIN_EXE_haptik-bridge"))
        .current_dir(folder)
        .args(["package", connection])
        .args(about)
        .arg("https://www.example.com")
        .args(more)
        .stdin(Stdio::null())
        .output()
        .expect("the binary runs")
}

fn errors(output: &Output) -> String {
    assert!(!output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_package_is_a_zip_file_of_a_manifest_and_icons_and_overwrites_nothing() {
    let folder = tempfile::tempdir().expect("a directory");
    let output = package(folder.path(), "acme-teams", &["--package-version", "1.2.3"]);
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(said, "acme-teams.zip is ready to be uploaded.\n");
    let file = std::fs::File::open(folder.path().join("acme-teams.zip")).expect("a file");
    let mut zip = zip::ZipArchive::new(file).expect("a zip file");
    let names: Vec<String> = zip.file_names().map(str::to_owned).collect();
    assert_eq!(names, ["manifest.json", "color.png", "outline.png"]);
    let manifest = zip.by_name("manifest.json").expect("a manifest");
    let manifest: Value = serde_json::from_reader(manifest).expect("JSON");
    assert_eq!(manifest["id"], "11111111-2222-3333-4444-555555555555");
    assert_eq!(manifest["version"], "1.2.3");
    assert!(!manifest.to_string().contains("a-secret"), "{manifest}");
    let again = package(folder.path(), "acme-teams", &[]);
    assert!(errors(&again).contains("acme-teams.zip cannot be written"));
}

#[test]
fn what_cannot_be_packed_is_said() {
    let folder = tempfile::tempdir().expect("a directory");
    for (connection, more, expected) in [
        ("acme-telegram", vec![], "a telegram has nothing to upload"),
        (
            "acme-team",
            vec![],
            "there is no connection acme-team; there are: acme-teams, acme-telegram",
        ),
        (
            "acme-teams",
            vec!["--privacy", "http://www.example.com"],
            "the privacy page is not an https URL",
        ),
        (
            "acme-teams",
            vec!["--package-version", "2"],
            "the version is not of the form 1.0.0",
        ),
    ] {
        let output = package(folder.path(), connection, &more);
        let errors = errors(&output);
        assert!(errors.contains(expected), "{errors}");
        assert!(!folder.path().join(format!("{connection}.zip")).exists());
    }
}
