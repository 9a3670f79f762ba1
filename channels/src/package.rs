//! What is uploaded to a provider so that people find an application there, where it wants files for that.

/// What such a package says of the application and of who runs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// What people call the application.
    pub name: String,
    /// What it does, in a sentence.
    pub description: String,
    /// Who runs it.
    pub developer: String,
    /// Their website: an https URL, as the next two.
    pub website: String,
    /// What it does with what people say.
    pub privacy: String,
    /// What people agree to.
    pub terms: String,
    /// Its version, `1.0.0`: a provider takes a changed package with another one.
    pub version: String,
}

/// A file of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackedFile {
    /// Its name, without a folder.
    pub name: &'static str,
    /// What is in it.
    pub content: Vec<u8>,
}
