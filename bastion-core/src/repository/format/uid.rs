//! UIDs of objects, which are UUIDs, in 16 bytes.

/// Where the lower-case text of a UUID has its hyphens.
const HYPHENS: [usize; 4] = [8, 13, 18, 23];

/// The bytes of a UUID in its usual form, lower case with hyphens; `None` for any other text.
pub(super) fn to_bytes(text: &str) -> Option<[u8; 16]> {
    let text: &[u8; 36] = text.as_bytes().try_into().ok()?;
    if HYPHENS.iter().any(|at| text[*at] != b'-') {
        return None;
    }
    let mut digits = text.iter().enumerate().filter(|(at, _)| !HYPHENS.contains(at)).map(|(_, digit)| *digit);
    let mut bytes = [0; 16];
    for byte in &mut bytes {
        *byte = value(digits.next()?)? << 4 | value(digits.next()?)?;
    }
    Some(bytes)
}

/// The text of [`to_bytes`].
pub(super) fn to_text(bytes: &[u8; 16]) -> String {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(36);
    for byte in bytes {
        if HYPHENS.contains(&text.len()) {
            text.push('-');
        }
        text.push(char::from(HEX[usize::from(byte >> 4)]));
        text.push(char::from(HEX[usize::from(byte & 15)]));
    }
    text
}

fn value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_the_usual_form_is_packed() {
        let usual = "67e55044-10b1-426f-9247-bb680e5fe0c8";
        assert_eq!(to_bytes(usual).as_ref().map(to_text).as_deref(), Some(usual));
        let plain = usual.replace('-', "");
        for other in ["", "0b4e", &plain, &usual.to_uppercase(), &usual.replace('-', "_"), &usual.replace('6', "é")] {
            assert_eq!(to_bytes(other), None, "{other}");
        }
    }

    proptest! {
        #[test]
        fn text_and_bytes_stand_for_each_other(bytes: [u8; 16]) {
            prop_assert_eq!(to_bytes(&to_text(&bytes)), Some(bytes));
        }
    }
}
