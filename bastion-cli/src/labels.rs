//! Label selectors over stored objects, in kubectl's syntax. (Live objects are selected by the API server.)

use std::str::FromStr;

use bastion_core::manifest::Map;

/// A selector: every requirement must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Labels(Vec<Requirement>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Requirement {
    key: String,
    /// `None`: only the key's presence counts.
    values: Option<Vec<String>>,
    /// Whether the opposite is wanted.
    not: bool,
}

impl Labels {
    /// Whether an object with these labels is selected.
    pub(crate) fn matches(&self, labels: Option<&Map>) -> bool {
        self.0.iter().all(|requirement| {
            let value = labels.and_then(|l| l.get(requirement.key.as_str())).and_then(|v| v.as_str());
            let holds = match (&requirement.values, value) {
                (None, value) => value.is_some(),
                (Some(_), None) => false,
                (Some(values), Some(value)) => values.iter().any(|v| v == value),
            };
            holds != requirement.not
        })
    }
}

impl FromStr for Labels {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = split(text).into_iter().map(str::trim).filter(|part| !part.is_empty());
        let parsed: Vec<_> = parts.map(requirement).collect::<Result<_, _>>()?;
        if parsed.is_empty() {
            return Err("an empty selector; write app=web,tier!=cache or env in (a,b)".to_owned());
        }
        Ok(Self(parsed))
    }
}

/// Splits at commas outside of parentheses.
fn split(text: &str) -> Vec<&str> {
    let (mut parts, mut start, mut inside) = (Vec::new(), 0, false);
    for (i, c) in text.char_indices() {
        match c {
            '(' => inside = true,
            ')' => inside = false,
            ',' if !inside => {
                parts.push(&text[start..i]);
                start = i + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

fn requirement(part: &str) -> Result<Requirement, String> {
    let wrong = || format!("{part:?} is no label requirement; write app=web, tier!=cache, env in (a,b), env or !env");
    let (key, values, not) = if let Some((key, set)) = set_of(part, " notin ") {
        (key, Some(set), true)
    } else if let Some((key, set)) = set_of(part, " in ") {
        (key, Some(set), false)
    } else if let Some((key, value)) = part.split_once("!=") {
        (key, Some(vec![value.trim().to_owned()]), true)
    } else if let Some((key, value)) = part.split_once("==").or_else(|| part.split_once('=')) {
        (key, Some(vec![value.trim().to_owned()]), false)
    } else if let Some(key) = part.strip_prefix('!') {
        (key, None, true)
    } else {
        (part, None, false)
    };
    let key = key.trim();
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    let values_fit = values.iter().flatten().all(|v| v.chars().all(|c| fits(c) && c != '/'));
    if key.is_empty() || !key.chars().all(fits) || !values_fit {
        return Err(wrong());
    }
    Ok(Requirement { key: key.to_owned(), values, not })
}

fn set_of<'a>(part: &'a str, word: &str) -> Option<(&'a str, Vec<String>)> {
    let (key, set) = part.split_once(word)?;
    let set = set.trim().strip_prefix('(')?.strip_suffix(')')?;
    Some((key, set.split(',').map(|v| v.trim().to_owned()).collect()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use bastion_core::manifest::Value;

    use super::*;

    #[test]
    fn selectors_mean_what_they_mean_to_kubectl() {
        let labels: Map = [("app", "web"), ("env", "b")].map(|(k, v)| (k.into(), Value::from(v))).into();
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
            ("tier notin (a)", true),
            ("tier", false),
            ("!tier", true),
            ("!app", false),
        ] {
            assert_eq!(selector.parse::<Labels>().unwrap().matches(Some(&labels)), want, "{selector}");
        }
        assert!("!app".parse::<Labels>().unwrap().matches(None));
        assert!("app!=web".parse::<Labels>().unwrap().matches(None));
    }

    #[test]
    fn what_is_no_selector_is_refused() {
        for selector in ["", ",", "=web", "a b", "app=we b", "env in a,b", "app=(x)"] {
            assert!(selector.parse::<Labels>().is_err(), "{selector:?}");
        }
    }
}
