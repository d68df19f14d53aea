//! The grammar of selectors: that of Kubernetes' own `labels.Parse`, so that what is refused or selected here is
//! what an API server refuses or selects.

use std::{collections::BTreeSet, iter::Peekable, vec::IntoIter};

use super::requirement::{Requirement, Wanted};

/// What may stand in a selector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// Values are those that a label can have.
    Labels,
    /// Values are any text; one with spaces or signs of the grammar stands in double quotes.
    Annotations,
}

/// Reads a selector; without any requirement the list is empty. Errors tell what was found where what was
/// expected.
pub(super) fn parse(text: &str, dialect: Dialect) -> Result<Vec<Requirement>, String> {
    let tokens = tokens(text, dialect)?;
    let mut parser = Parser { tokens: tokens.into_iter().peekable(), dialect };
    let mut requirements = Vec::new();
    if parser.tokens.peek().is_none() {
        return Ok(requirements);
    }
    loop {
        requirements.push(parser.requirement()?);
        match parser.tokens.next() {
            None => return Ok(requirements),
            Some(Token::Sign(",")) => {}
            found => return Err(expected("a comma or the end", found.as_ref())),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    /// `!`, `=`, `==`, `!=`, `,`, `(`, `)`, `<` or `>`.
    Sign(&'static str),
    /// Anything between signs and spaces.
    Word(String),
    /// Text in quotes.
    Quoted(String),
}

/// The signs, those first that begin with another one.
const SIGNS: [&str; 9] = ["==", "!=", "=", "!", ",", "(", ")", "<", ">"];

fn tokens(text: &str, dialect: Dialect) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start_matches(is_space);
    while !rest.is_empty() {
        if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            tokens.push(Token::Sign(sign));
            rest = &rest[sign.len()..];
        } else if let Some(quoted) = rest.strip_prefix('"').filter(|_| dialect == Dialect::Annotations) {
            let (value, after) = unquote(quoted)?;
            tokens.push(Token::Quoted(value));
            rest = after;
        } else {
            let end = rest.find(|c| is_space(c) || "=!,()<>".contains(c)).unwrap_or(rest.len());
            tokens.push(Token::Word(rest[..end].to_owned()));
            rest = &rest[end..];
        }
        rest = rest.trim_start_matches(is_space);
    }
    Ok(tokens)
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

/// The text up to the closing quote, where `\"` and `\\` stand for the second of both, and what follows.
fn unquote(text: &str) -> Result<(String, &str), String> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((i, c)) = chars.next() {
        match c {
            '"' => return Ok((value, &text[i + 1..])),
            '\\' => value.extend(chars.next().map(|(_, c)| c)),
            c => value.push(c),
        }
    }
    Err("a quote is never closed".to_owned())
}

struct Parser {
    tokens: Peekable<IntoIter<Token>>,
    dialect: Dialect,
}

impl Parser {
    fn requirement(&mut self) -> Result<Requirement, String> {
        let not = self.tokens.next_if_eq(&Token::Sign("!")).is_some();
        let key = match self.tokens.next() {
            Some(Token::Word(key)) => key,
            found => return Err(expected("a key", found.as_ref())),
        };
        check_key(&key, self.dialect)?;
        let wanted = if not {
            Wanted::NotSet
        } else if matches!(self.tokens.peek(), None | Some(Token::Sign(","))) {
            Wanted::Set
        } else {
            self.wanted()?
        };
        Ok(Requirement { key, wanted })
    }

    /// An operator and its values.
    fn wanted(&mut self) -> Result<Wanted, String> {
        let operator = self.tokens.next();
        let operator = match &operator {
            Some(Token::Sign(sign)) => sign,
            Some(Token::Word(word)) => word.as_str(),
            _ => "",
        };
        match operator {
            "in" => Ok(Wanted::In(self.values()?)),
            "notin" => Ok(Wanted::NotIn(self.values()?)),
            "=" | "==" => Ok(Wanted::In([self.value()?].into())),
            "!=" => Ok(Wanted::NotIn([self.value()?].into())),
            ">" => Ok(Wanted::Above(self.number()?)),
            "<" => Ok(Wanted::Below(self.number()?)),
            found => Err(format!("found {found:?}, expected =, ==, !=, in, notin, < or >")),
        }
    }

    /// `(a,b)`; nothing between parentheses and commas is the empty value.
    fn values(&mut self) -> Result<BTreeSet<String>, String> {
        match self.tokens.next() {
            Some(Token::Sign("(")) => {}
            found => return Err(expected("(", found.as_ref())),
        }
        let mut values = BTreeSet::new();
        loop {
            let value = if let Some(Token::Sign("," | ")")) = self.tokens.peek() {
                String::new()
            } else {
                let found = self.tokens.next();
                self.text(found)?
            };
            values.insert(value);
            match self.tokens.next() {
                Some(Token::Sign(")")) => return Ok(values),
                Some(Token::Sign(",")) => {}
                found => return Err(expected("a comma or )", found.as_ref())),
            }
        }
    }

    fn number(&mut self) -> Result<i64, String> {
        let value = self.value()?;
        value.parse().map_err(|_| format!("{value:?} is not an integer"))
    }

    /// One value; nothing before a comma or the end is the empty one.
    fn value(&mut self) -> Result<String, String> {
        if matches!(self.tokens.peek(), None | Some(Token::Sign(","))) {
            return Ok(String::new());
        }
        let found = self.tokens.next();
        self.text(found)
    }

    fn text(&self, token: Option<Token>) -> Result<String, String> {
        match token {
            Some(Token::Quoted(value)) => Ok(value),
            Some(Token::Word(value)) => {
                if self.dialect == Dialect::Labels {
                    check_value(&value)?;
                }
                Ok(value)
            }
            found => Err(expected("a value", found.as_ref())),
        }
    }
}

fn expected(what: &str, found: Option<&Token>) -> String {
    match found {
        None => format!("it ends where {what} is expected"),
        Some(Token::Sign(sign)) => format!("found {sign:?}, expected {what}"),
        Some(Token::Word(text) | Token::Quoted(text)) => format!("found {text:?}, expected {what}"),
    }
}

/// A key is a name of at most 63 characters, with or without the domain of who gives it meaning in front.
pub(super) fn check_key(key: &str, dialect: Dialect) -> Result<(), String> {
    let (domain, name) = key.split_once('/').map_or((None, key), |(domain, name)| (Some(domain), name));
    let is_label = |label: &str| {
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        !label.is_empty() && label.chars().all(fits) && !label.starts_with('-') && !label.ends_with('-')
    };
    let is_domain = |domain: &str| {
        // Annotations are checked without regard to case.
        let lower = domain.to_ascii_lowercase();
        let domain = if dialect == Dialect::Annotations { lower.as_str() } else { domain };
        domain.len() <= 253 && domain.split('.').all(is_label)
    };
    if name.is_empty() || !is_value(name) || !domain.is_none_or(is_domain) {
        return Err(format!("{key:?} is not a valid key"));
    }
    Ok(())
}

fn check_value(value: &str) -> Result<(), String> {
    if is_value(value) { Ok(()) } else { Err(format!("{value:?} is not a valid label value")) }
}

/// Empty, or at most 63 letters, digits, `-`, `_` and `.`, with a letter or digit at both ends.
fn is_value(text: &str) -> bool {
    let inner = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let outer = |c: char| c.is_ascii_alphanumeric();
    text.is_empty() || (text.len() <= 63 && text.chars().all(inner) && text.starts_with(outer) && text.ends_with(outer))
}
