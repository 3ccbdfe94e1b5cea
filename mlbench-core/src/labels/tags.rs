use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::bounds::{check_key, check_size, check_text, repeated, split};
use crate::error::Result;

/// Name of the field in a request, for errors.
const FIELD: &str = "tags";

/// Tags by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tags(BTreeMap<String, String>);

impl Tags {
    /// Collects and checks tags.
    ///
    /// # Errors
    /// [`InvalidField`](crate::error::ErrorCode::InvalidField) for the field `tags`, naming the tag.
    pub fn new(tags: impl IntoIterator<Item = (String, String)>) -> Result<Self> {
        let patch = TagsPatch::new(tags.into_iter().map(|(name, text)| (name, Some(text))))?;
        Self::default().with(&patch)
    }

    /// Splits the text `NAME=VALUE` and checks both.
    ///
    /// # Errors
    /// [`InvalidField`](crate::error::ErrorCode::InvalidField) for the field `tags`.
    pub fn parse_one(text: &str) -> Result<(String, String)> {
        let (name, value) = split(FIELD, text)?;
        check_key(FIELD, name)?;
        check_text(FIELD, name, value)?;
        Ok((name.to_owned(), value.to_owned()))
    }

    /// Returns these tags with changes.
    ///
    /// # Errors
    /// [`InvalidField`](crate::error::ErrorCode::InvalidField) when they are too many or too large together.
    pub fn with(&self, changes: &TagsPatch) -> Result<Self> {
        let mut all = self.clone();
        for (name, text) in &changes.0 {
            match text {
                Some(text) => all.0.insert(name.clone(), text.clone()),
                None => all.0.remove(name),
            };
        }
        let bytes = all.0.iter().map(|(name, text)| name.len() + text.len()).sum();
        check_size(FIELD, all.0.len(), bytes)?;
        Ok(all)
    }

    /// Returns the text of a tag.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Returns whether there are no tags.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the tags by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, text)| (name.as_str(), text.as_str()))
    }
}

/// Changes of tags: a new text, or `null`, which removes the tag.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TagsPatch(BTreeMap<String, Option<String>>);

impl TagsPatch {
    /// Collects and checks changes.
    ///
    /// # Errors
    /// [`InvalidField`](crate::error::ErrorCode::InvalidField) for the field `tags`, naming the tag.
    pub fn new(changes: impl IntoIterator<Item = (String, Option<String>)>) -> Result<Self> {
        let mut all = Self::default();
        for (name, text) in changes {
            check_key(FIELD, &name)?;
            check_text(FIELD, &name, text.as_deref().unwrap_or_default())?;
            if all.0.contains_key(&name) {
                return Err(repeated(FIELD, &name));
            }
            all.0.insert(name, text);
        }
        Ok(all)
    }

    /// Adds later changes, which win.
    #[must_use]
    pub fn and(mut self, later: Self) -> Self {
        self.0.extend(later.0);
        self
    }

    /// Returns whether nothing changes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<Tags> for TagsPatch {
    fn from(tags: Tags) -> Self {
        Self(tags.0.into_iter().map(|(name, text)| (name, Some(text))).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned<T>(pairs: &[(&str, T)]) -> Vec<(String, T)>
    where
        T: Clone,
    {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
    }

    #[test]
    fn tags_change_and_are_removed() {
        let tags = Tags::new(owned(&[("team", "vision".to_owned()), ("old", "1".to_owned())])).unwrap();
        let changes =
            [("team", Some("nlp".to_owned())), ("old", None), ("never", None), ("new", Some(String::new()))];
        let changed = tags.with(&TagsPatch::new(owned(&changes)).unwrap()).unwrap();
        assert_eq!(serde_json::to_string(&changed).unwrap(), r#"{"new":"","team":"nlp"}"#);
        assert_eq!((changed.get("team"), changed.get("old")), (Some("nlp"), None));
    }

    #[test]
    fn invalid_tags_are_named_with_the_fix() {
        let refusal = |text: &str| Tags::parse_one(text).unwrap_err().detail().to_owned();
        assert_eq!(refusal("team"), r#"tags: must be NAME=VALUE, not "team""#);
        assert_eq!(refusal("=x"), r#"tags: "" has 0 characters; use a name of 1 to 250"#);
        assert_eq!(
            refusal(&format!("a={}", "x".repeat(8_001))),
            r#"tags: "a" has 8001 characters; use at most 8000"#
        );
        assert_eq!(Tags::parse_one("a=b=c").unwrap(), ("a".to_owned(), "b=c".to_owned()));
    }

    #[test]
    fn all_tags_together_are_bounded() {
        let many = |from: usize| {
            let tags = (from..from + 600).map(|i| (i.to_string(), String::new()));
            Tags::new(tags).unwrap()
        };
        let error = many(0).with(&many(600).into()).unwrap_err();
        assert_eq!(error.detail(), "tags: at most 1000 of them are stored, not 1200");
    }
}
