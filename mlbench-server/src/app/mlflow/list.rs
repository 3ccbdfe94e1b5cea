//! Responses with one long list, written item by item.

use bytes::Bytes;
use serde_json::Value;

/// Bytes after which a page ends, however few items it has.
const PAGE_BYTES: usize = 8 << 20;

/// A JSON object with one list.
///
/// It keeps the text of its items, which takes a fraction of the memory of their values.
pub(super) struct List {
    json: String,
    count: usize,
}

impl List {
    /// Begins the list with this name.
    pub(super) fn new(name: &str) -> Self {
        Self { json: format!("{{\"{name}\":["), count: 0 }
    }

    pub(super) fn add(&mut self, item: &Value) {
        if self.count > 0 {
            self.json.push(',');
        }
        self.json.push_str(&item.to_string());
        self.count += 1;
    }

    /// Returns the number of items.
    pub(super) const fn count(&self) -> usize {
        self.count
    }

    /// Returns whether the page ends before the next item.
    pub(super) const fn is_full(&self) -> bool {
        self.json.len() >= PAGE_BYTES
    }

    /// Ends the object, with the token of the next page if there is one.
    pub(super) fn end(mut self, token: Option<String>) -> Bytes {
        self.json.push(']');
        if let Some(token) = token {
            self.json.push_str(",\"next_page_token\":");
            self.json.push_str(&Value::from(token).to_string());
        }
        self.json.push('}');
        self.json.into()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_list_is_json_with_or_without_a_token() {
        let mut list = List::new("runs");
        assert_eq!(&List::new("runs").end(None)[..], br#"{"runs":[]}"#);
        list.add(&json!({"a": 1}));
        list.add(&json!("b"));
        assert_eq!((list.count(), list.is_full()), (2, false));
        assert_eq!(
            &list.end(Some("[\"1\"]".to_owned()))[..],
            br#"{"runs":[{"a":1},"b"],"next_page_token":"[\"1\"]"}"#
        );
    }

    #[test]
    fn a_list_is_full_once_its_text_is_long() {
        let (mut list, item) = (List::new("runs"), Value::from("x".repeat(1 << 20)));
        while !list.is_full() {
            list.add(&item);
        }
        assert_eq!(list.count(), 8);
    }
}
