//! `haptik-bridge package`: writes what is uploaded to a channel's provider, as a zip file.

use std::fs::OpenOptions;
use std::io::{Cursor, Write as _};
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use haptik_bridge_channels::package::{About, PackedFile};
use haptik_bridge_channels::registry::PACKAGES;
use zip::CompressionMethod;
use zip::write::{SimpleFileOptions, ZipWriter};

use crate::check;

/// Which connection, and what its users are shown of it.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The connection's name in the configuration.
    connection: String,
    /// The configuration.
    #[arg(long, value_name = "FILE", env = "HAPTIK_BRIDGE_CONFIG", default_value = crate::CONFIG_FILE)]
    config: PathBuf,
    /// What people call the bot; up to 30 characters of it are shown everywhere.
    #[arg(long)]
    name: String,
    /// What it does, in a sentence.
    #[arg(
        long,
        default_value = "Answers your questions, and calls a colleague where it cannot."
    )]
    description: String,
    /// The company that runs it.
    #[arg(long, value_name = "NAME")]
    developer: String,
    /// The company's website, an https URL.
    #[arg(long, value_name = "URL")]
    website: String,
    /// The page that says what is done with what people write. The default is the website.
    #[arg(long, value_name = "URL")]
    privacy: Option<String>,
    /// The page with the terms of use. The default is the website.
    #[arg(long, value_name = "URL")]
    terms: Option<String>,
    /// The package's version. A changed package has to have a higher one.
    #[arg(
        long = "package-version",
        value_name = "VERSION",
        default_value = "1.0.0"
    )]
    version: String,
    /// Where it is written; never over another file. The default is the connection's name with `.zip`.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let config = check::read(&arguments.config)?;
    let channel = check::connection(&config, &arguments.connection)?;
    let website = || arguments.website.clone();
    let about = About {
        name: arguments.name.clone(),
        description: arguments.description.clone(),
        developer: arguments.developer.clone(),
        website: website(),
        privacy: arguments.privacy.clone().unwrap_or_else(website),
        terms: arguments.terms.clone().unwrap_or_else(website),
        version: arguments.version.clone(),
    };
    let mut packages = PACKAGES.iter();
    let package = packages.find(|(name, _)| *name == channel.type_name);
    let files = match package {
        Some((_, package)) => package(channel, &about)?,
        None => None,
    };
    let Some(files) = files else {
        bail!("a {} has nothing to upload", channel.type_name);
    };
    let out = arguments.out.clone();
    let out = out.unwrap_or_else(|| PathBuf::from(format!("{}.zip", arguments.connection)));
    let content = zipped(&files).context("the package cannot be made")?;
    let file = OpenOptions::new().write(true).create_new(true).open(&out);
    file.and_then(|mut file| file.write_all(&content))
        .with_context(|| format!("{} cannot be written", out.display()))?;
    println!("{} is ready to be uploaded.", out.display());
    Ok(())
}

/// The files as one, as they are: icons are compressed already.
fn zipped(files: &[PackedFile]) -> anyhow::Result<Vec<u8>> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for file in files {
        zip.start_file(file.name, options)?;
        zip.write_all(&file.content)?;
    }
    Ok(zip.finish()?.into_inner())
}
