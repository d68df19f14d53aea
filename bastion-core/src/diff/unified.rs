use similar::TextDiff;

use crate::{
    manifest::Manifest,
    yaml::{self, YamlError},
};

/// A unified diff of both objects as YAML; empty if they are equal. `None` stands for an object that is not
/// there.
pub fn unified(old: Option<&Manifest>, new: Option<&Manifest>, names: (&str, &str)) -> Result<String, YamlError> {
    let yaml = |manifest: Option<&Manifest>| manifest.map_or_else(|| Ok(String::new()), yaml::to_yaml);
    let (old, new) = (yaml(old)?, yaml(new)?);
    if old == new {
        return Ok(String::new());
    }
    Ok(TextDiff::from_lines(&old, &new).unified_diff().context_radius(3).header(names.0, names.1).to_string())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::canonical;

    #[test]
    fn people_get_a_unified_diff() {
        let manifest = |json: &[u8]| canonical::from_bytes(json).unwrap();
        let (old, new) = (manifest(br#"{"data":{"a":"1","b":"2"}}"#), manifest(br#"{"data":{"a":"1","b":"3"}}"#));
        insta::assert_snapshot!(unified(Some(&old), Some(&new), ("revision 1", "live")).unwrap(), @r#"
        --- revision 1
        +++ live
        @@ -1,3 +1,3 @@
         data:
           a: "1"
        -  b: "2"
        +  b: "3"
        "#);
        assert_eq!(unified(Some(&old), Some(&old), ("a", "b")).unwrap(), "");
        assert!(unified(None, Some(&new), ("a", "b")).unwrap().contains("+data:"));
    }
}
