//! The states that an object goes through between an event and the log.

use std::fmt;

/// Where an object is on its way into the log.
///
/// | from    | transition                     | to      |
/// |---------|--------------------------------|---------|
/// | Idle    | taken by a worker              | Hashed  |
/// | Hashed  | deleted, or no longer selected | Backup  |
/// | Hashed  | hash unchanged                 | Idle    |
/// | Hashed  | hash changed                   | Changed |
/// | Changed | body handed to the batch       | Backup  |
/// | Backup  | the commit is durable          | Idle    |
///
/// An object that cannot be read, cleaned or stored goes from Hashed or Changed back to Idle, and is reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ObjectState {
    /// Nothing to do: what the log has is what is known of the cluster.
    Idle,
    /// A worker has it: it is parsed, cleaned, hashed and compared.
    Hashed,
    /// Its content differs from the log's; its body waits for room in a batch.
    Changed,
    /// It is in a batch, and stays so until the commit is durable.
    Backup,
}

/// What moves an object from one state to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Transition {
    /// A worker took it up.
    Taken,
    /// The log has this content already, or something newer.
    Unchanged,
    /// The log has another content, or none.
    Changed,
    /// It is gone or no longer selected: there is no body to write.
    Vanished,
    /// It cannot be read or cleaned; the run goes on without it.
    Failed,
    /// Its record lies in a batch.
    Written,
    /// The batch is durable, and what was kept for it is cleaned up.
    Committed,
}

impl ObjectState {
    /// All states, in order.
    pub const ALL: [Self; 4] = [Self::Idle, Self::Hashed, Self::Changed, Self::Backup];

    /// The next state, or `None` where the table has no such row: a bug of the caller.
    pub fn next(self, transition: Transition) -> Option<Self> {
        match (self, transition) {
            (Self::Idle, Transition::Taken) => Some(Self::Hashed),
            (Self::Hashed, Transition::Vanished) | (Self::Changed, Transition::Written) => Some(Self::Backup),
            (Self::Hashed, Transition::Unchanged | Transition::Failed)
            | (Self::Changed, Transition::Failed)
            | (Self::Backup, Transition::Committed) => Some(Self::Idle),
            (Self::Hashed, Transition::Changed) => Some(Self::Changed),
            _ => None,
        }
    }

    /// Its name in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Hashed => "hashed",
            Self::Changed => "changed",
            Self::Backup => "backup",
        }
    }
}

impl fmt::Display for ObjectState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::fmt::Write;

    use super::*;

    const TRANSITIONS: [Transition; 7] = [
        Transition::Taken,
        Transition::Unchanged,
        Transition::Changed,
        Transition::Vanished,
        Transition::Failed,
        Transition::Written,
        Transition::Committed,
    ];

    #[test]
    fn the_table_has_these_rows_and_no_others() {
        let mut rows = String::new();
        for from in ObjectState::ALL {
            for transition in TRANSITIONS {
                if let Some(to) = from.next(transition) {
                    writeln!(rows, "{from} {transition:?} {to}").unwrap();
                }
            }
        }
        insta::assert_snapshot!(rows, @r"
        idle Taken hashed
        hashed Unchanged idle
        hashed Changed changed
        hashed Vanished backup
        hashed Failed idle
        changed Failed idle
        changed Written backup
        backup Committed idle
        ");
    }

    #[test]
    fn every_path_leads_back_to_idle() {
        for from in ObjectState::ALL {
            let mut reached = vec![from];
            let mut at = 0;
            while let Some(state) = reached.get(at).copied() {
                for next in TRANSITIONS.iter().filter_map(|e| state.next(*e)) {
                    if !reached.contains(&next) {
                        reached.push(next);
                    }
                }
                at += 1;
            }
            assert!(reached.contains(&ObjectState::Idle), "{from} is a trap");
        }
    }
}
