//! Somebody's browser: it keeps cookies and shows where it is sent, without going there.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use http::HeaderMap;
use http::header::{COOKIE, LOCATION, SET_COOKIE};

use crate::app;

/// A browser with the cookies of one host.
#[derive(Debug, Default)]
pub struct Browser {
    cookies: Mutex<BTreeMap<String, String>>,
}

/// What it was answered.
#[derive(Debug)]
pub struct Shown {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: String,
}

impl Browser {
    /// Goes to a page.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn get(&self, url: &str) -> anyhow::Result<Shown> {
        let cookies: Vec<String> = {
            let cookies = self.cookies.lock().unwrap_or_else(PoisonError::into_inner);
            cookies
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect()
        };
        let mut request = app::client()?.get(url);
        if !cookies.is_empty() {
            request = request.header(COOKIE, cookies.join("; "));
        }
        let response = request.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        self.keep(&headers);
        let body = response.text().await?;
        Ok(Shown {
            status,
            headers,
            body,
        })
    }

    /// The cookies that it has, by name.
    #[must_use]
    pub fn cookies(&self) -> BTreeMap<String, String> {
        let cookies = self.cookies.lock().unwrap_or_else(PoisonError::into_inner);
        cookies.clone()
    }

    /// Puts a cookie into it.
    pub fn set_cookie(&self, name: &str, value: &str) {
        let mut cookies = self.cookies.lock().unwrap_or_else(PoisonError::into_inner);
        cookies.insert(name.to_owned(), value.to_owned());
    }

    fn keep(&self, headers: &HeaderMap) {
        let mut cookies = self.cookies.lock().unwrap_or_else(PoisonError::into_inner);
        let texts = headers.get_all(SET_COOKIE).iter();
        for text in texts.filter_map(|text| text.to_str().ok()) {
            let mut parts = text.split("; ");
            let pair = parts.next().and_then(|pair| pair.split_once('='));
            let Some((name, value)) = pair else {
                continue;
            };
            if parts.any(|part| part == "Max-Age=0") {
                cookies.remove(name);
            } else {
                cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }
}

impl Shown {
    /// Where the browser is sent.
    ///
    /// # Panics
    /// When it is sent nowhere.
    #[must_use]
    pub fn location(&self) -> &str {
        let location = self.headers.get(LOCATION);
        let location = location.and_then(|location| location.to_str().ok());
        location.unwrap_or_else(|| panic!("sent nowhere: {self:?}"))
    }
}
