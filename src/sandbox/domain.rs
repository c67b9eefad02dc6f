//! Files, network and signals, by the kernel's Landlock.

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, LandlockStatus, NetPort, RestrictionStatus,
    Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError, Scope, make_bitflags,
    path_beneath_rules,
};

use super::{InForce, Needs};

/// The version of Landlock that these rules are written for. What an older kernel lacks of it is
/// left out; what a newer one has in addition is not made use of.
const VERSION: ABI = ABI::V6;

/// To look into directories and read files.
const READ: BitFlags<AccessFs> = make_bitflags!(AccessFs::{ReadDir | ReadFile});

/// To read and write files that are there.
const WRITE: BitFlags<AccessFs> = make_bitflags!(AccessFs::{ReadFile | WriteFile});

/// Restricts the calling thread, and those that it will start, as far as the kernel can.
pub(super) fn enter(needs: &Needs) -> Result<InForce, RulesetError> {
    let ports = needs.ports.iter();
    let status = Ruleset::default()
        .handle_access(AccessFs::from_all(VERSION))?
        .handle_access(AccessNet::from_all(VERSION))?
        .scope(Scope::from_all(VERSION))?
        .create()?
        .add_rules(path_beneath_rules(&needs.read, READ))?
        .add_rules(path_beneath_rules(&needs.write, WRITE))?
        .add_rules(
            ports.map(|port| Ok::<_, RulesetError>(NetPort::new(*port, AccessNet::ConnectTcp))),
        )?
        .restrict_self()?;
    Ok(in_force(&status))
}

fn in_force(status: &RestrictionStatus) -> InForce {
    let LandlockStatus::Available { effective_abi, .. } = status.landlock else {
        return InForce::default();
    };
    InForce {
        files: effective_abi >= ABI::V1,
        network: effective_abi >= ABI::V4,
        signals: effective_abi >= ABI::V6,
        ..InForce::default()
    }
}
