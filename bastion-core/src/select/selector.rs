//! Selectors over labels and annotations, in kubectl's syntax.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{
    Fields, SelectionError,
    grammar::{self, Dialect},
    requirement::Requirement,
};

/// A label selector: `app=web,tier!=cache,env in (a,b),!canary`. Every requirement must hold.
///
/// The grammar and its meaning are those of an API server, so it makes no difference which side filters.
///
/// ```
/// use std::collections::BTreeMap;
/// use bastion_core::select::LabelSelector;
///
/// let selector: LabelSelector = "app in (web,api),tier!=cache".parse()?;
/// assert!(selector.matches(&BTreeMap::from([("app", "web")])));
/// # Ok::<(), bastion_core::select::SelectionError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LabelSelector {
    text: String,
    requirements: Vec<Requirement>,
}

/// A selector over annotations, in the same syntax: `team=shop,!example.org/scratch`.
///
/// Unlike labels, annotations hold any text; a value with spaces or signs of the grammar stands in double quotes:
/// `note="to be kept, see #7"`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AnnotationSelector {
    text: String,
    requirements: Vec<Requirement>,
}

impl LabelSelector {
    /// Whether an object with these labels is selected.
    pub fn matches(&self, labels: &dyn Fields) -> bool {
        self.requirements.iter().all(|requirement| requirement.holds(labels.value(&requirement.key)))
    }

    /// The keys that it looks at.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.requirements.iter().map(|requirement| requirement.key.as_str())
    }

    /// The text as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl AnnotationSelector {
    /// Whether an object with these annotations is selected.
    pub fn matches(&self, annotations: &dyn Fields) -> bool {
        self.requirements.iter().all(|requirement| requirement.holds(annotations.value(&requirement.key)))
    }

    /// The keys that it looks at.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.requirements.iter().map(|requirement| requirement.key.as_str())
    }

    /// The text as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl FromStr for LabelSelector {
    type Err = SelectionError;

    fn from_str(text: &str) -> Result<Self, SelectionError> {
        let wrong = |why| SelectionError::Labels { text: text.to_owned(), why };
        let requirements = not_empty(grammar::parse(text, Dialect::Labels).map_err(wrong)?)?;
        Ok(Self { text: text.to_owned(), requirements })
    }
}

impl FromStr for AnnotationSelector {
    type Err = SelectionError;

    fn from_str(text: &str) -> Result<Self, SelectionError> {
        let wrong = |why| SelectionError::Annotations { text: text.to_owned(), why };
        let requirements = not_empty(grammar::parse(text, Dialect::Annotations).map_err(wrong)?)?;
        Ok(Self { text: text.to_owned(), requirements })
    }
}

/// To an API server an empty selector means everything; from a person it is a mistake.
fn not_empty(requirements: Vec<Requirement>) -> Result<Vec<Requirement>, SelectionError> {
    if requirements.is_empty() { Err(SelectionError::EmptySelector) } else { Ok(requirements) }
}

macro_rules! text_forms {
    ($selector:ty) => {
        impl TryFrom<String> for $selector {
            type Error = SelectionError;

            fn try_from(text: String) -> Result<Self, SelectionError> {
                text.parse()
            }
        }

        impl From<$selector> for String {
            fn from(selector: $selector) -> Self {
                selector.text
            }
        }

        impl fmt::Display for $selector {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.text)
            }
        }
    };
}
text_forms!(LabelSelector);
text_forms!(AnnotationSelector);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn selectors_mean_what_they_mean_to_kubectl() {
        let labels = BTreeMap::from([("app", "web"), ("env", "b"), ("shard", "7")]);
        for (selector, want) in [
            ("app=web", true),
            ("app==web", true),
            ("app = web, env=b", true),
            ("app=api", false),
            ("app!=api", true),
            ("tier!=cache", true),
            ("env in (a, b),app", true),
            ("env in (a,c)", false),
            ("env notin (a,c)", true),
            ("env notin(a,b)", false),
            ("tier notin (a)", true),
            ("tier", false),
            ("!tier", true),
            ("! app", false),
            ("!app", false),
            ("shard>6,shard<8", true),
            ("shard > 7", false),
            ("tier>1", false),
            ("app>1", false),
            ("app=", false),
            ("app in ()", false),
            ("app in (,web)", true),
            ("example.org/in notin (in)", true),
        ] {
            assert_eq!(selector.parse::<LabelSelector>().unwrap().matches(&labels), want, "{selector}");
        }
        assert!("!app".parse::<LabelSelector>().unwrap().matches(&()));
        assert!("app!=web".parse::<LabelSelector>().unwrap().matches(&()));
    }

    #[test]
    fn what_is_no_selector_is_refused() {
        for selector in [
            "",
            " ",
            ",",
            "=web",
            "a b",
            "app=we b",
            "env in a,b",
            "app=(x)",
            "a=b,",
            "a=b,,c",
            "!a=b",
            "a in (b",
            "a=b=c",
            "app in (",
            "a>b",
            "a>",
            "-a",
            "a/b/c",
            "A.b/c",
            "a=-b",
            "a in (x y)",
            "a=\"b\"",
            "a!",
            "(a)",
        ] {
            assert!(selector.parse::<LabelSelector>().is_err(), "{selector:?}");
        }
        let long = "a".repeat(64);
        assert!(format!("{long}=b").parse::<LabelSelector>().is_err());
        assert!(format!("a={long}").parse::<LabelSelector>().is_err());
    }

    #[test]
    fn an_error_tells_what_was_found() {
        let why = |text: &str| text.parse::<LabelSelector>().unwrap_err().to_string();
        let hint = "; write app=web, tier!=cache, env in (a,b), env or !env";
        assert_eq!(
            why("a b"),
            format!(r#""a b" is not a label selector: found "b", expected =, ==, !=, in, notin, < or >{hint}"#)
        );
        assert_eq!(
            why("app in ("),
            format!(r#""app in (" is not a label selector: it ends where a value is expected{hint}"#)
        );
    }

    #[test]
    fn annotations_hold_any_text() {
        let long = "x".repeat(100);
        let annotations =
            BTreeMap::from([("Example.org/note", "a \"b\", c"), ("long", &long), ("url", "http://a/b?c")]);
        for (selector, want) in [
            (r#"Example.org/note="a \"b\", c""#, true),
            (r#"Example.org/note in (x,"a \"b\", c")"#, true),
            (r#"Example.org/note="a""#, false),
            (&format!("long={long}"), true),
            ("url=http://a/b?c", true),
            ("missing!=x", true),
        ] {
            assert_eq!(selector.parse::<AnnotationSelector>().unwrap().matches(&annotations), want, "{selector}");
        }
        for selector in [r#"a="b"#, r#""a"=b"#, "a b", ""] {
            assert!(selector.parse::<AnnotationSelector>().is_err(), "{selector:?}");
        }
    }
}
