//! Parts: the requests to the provider that show a message.

use haptik_bridge_shared::message::Outgoing;
use haptik_bridge_shared::redacted_debug;
use serde_json::Value;

use crate::limits::Limits;
use crate::render::{self, Page};

/// One request to the provider that shows a message or a part of it.
#[derive(Clone)]
pub struct Part {
    /// Its place among the parts of its message, from 0.
    pub index: usize,
    /// The body of the request: only the channel knows what is inside.
    pub body: Value,
    /// What it was encoded from, where it was laid out by the shared [renderer](crate::render).
    pub page: Option<Page>,
}

impl Part {
    /// A part that a channel has made without the shared renderer.
    #[must_use]
    pub fn new(index: usize, body: Value) -> Self {
        Self {
            index,
            body,
            page: None,
        }
    }

    /// What a message becomes within limits: a part a page.
    pub fn of_pages(
        outgoing: &Outgoing,
        limits: &Limits,
        encode: impl Fn(&Page) -> Value,
    ) -> Vec<Self> {
        Self::of_laid_out(render::pages(outgoing, limits), encode)
    }

    /// A part a page, of pages that are laid out already.
    pub fn of_laid_out(pages: Vec<Page>, encode: impl Fn(&Page) -> Value) -> Vec<Self> {
        let pages = pages.into_iter();
        pages.map(|page| Self::of(page, &encode)).collect()
    }

    /// The part one level simpler, in the same place; `None` where there is nothing simpler.
    #[must_use]
    pub fn simpler(&self, encode: impl Fn(&Page) -> Value) -> Option<Self> {
        let page = self.page.as_ref()?.simpler()?;
        Some(Self::of(page, encode))
    }

    fn of(page: Page, encode: impl Fn(&Page) -> Value) -> Self {
        Self {
            index: page.index,
            body: encode(&page),
            page: Some(page),
        }
    }
}

redacted_debug!(Part { index });
