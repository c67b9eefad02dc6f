//! System calls that are of no use to the process, and of much use to whoever gets hold of it.

use std::collections::BTreeMap;
use std::env::consts::ARCH;

use libc::{
    BPF_ABS, BPF_JEQ, BPF_JGE, BPF_JMP, BPF_K, BPF_LD, BPF_RET, BPF_W, ENOSYS, EPERM,
    SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO, c_int, c_long,
};
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompFilter, SeccompRule, TargetArch, apply_filter,
    sock_filter,
};

use super::{alteration, arguments};

/// Those that fail. The rest is left alone: the C library and OpenSSL change from version to version
/// in what they use.
const FORBIDDEN: &[c_long] = &[
    // Running programs, which is the keeper's business.
    libc::SYS_execve,
    libc::SYS_execveat,
    // Looking into other processes and steering them.
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_pidfd_getfd,
    libc::SYS_kcmp,
    // Memory and messages that other programs share.
    libc::SYS_shmget,
    libc::SYS_shmat,
    libc::SYS_shmctl,
    libc::SYS_msgget,
    libc::SYS_msgsnd,
    libc::SYS_msgrcv,
    libc::SYS_msgctl,
    libc::SYS_semget,
    libc::SYS_semop,
    libc::SYS_semtimedop,
    libc::SYS_semctl,
    libc::SYS_mq_open,
    libc::SYS_mq_unlink,
    // Mounting, and moving to where files and names are other ones.
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_fsopen,
    libc::SYS_fsmount,
    libc::SYS_mount_setattr,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_setns,
    libc::SYS_unshare,
    libc::SYS_open_by_handle_at,
    // Other users' rights.
    libc::SYS_setuid,
    libc::SYS_setgid,
    libc::SYS_setreuid,
    libc::SYS_setregid,
    libc::SYS_setresuid,
    libc::SYS_setresgid,
    libc::SYS_setgroups,
    libc::SYS_capset,
    // Keys of the user's other programs.
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    // Large parts of the kernel, with a history of holes.
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    // The machine as a whole.
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_acct,
    libc::SYS_quotactl,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
];

/// From here on x86_64 has another number for each system call, and others no number for any.
const OTHER_NUMBERS: u32 = 0x4000_0000;

/// Has them fail with EPERM in this thread and those that it will start.
///
/// # Errors
///
/// The filter cannot be written for this machine, or the kernel takes none.
pub(super) fn forbid() -> seccompiler::Result<()> {
    let machine = TargetArch::try_from(ARCH)?;
    // They end the process at a call in the way of another machine, such as one of 32 bits.
    apply_filter(&filter(arguments::rules()?.into(), EPERM, machine)?)?;
    apply_filter(&filter(unknown(), ENOSYS, machine)?)?;
    apply_filter(&none_of(&forbidden()))
}

/// The calls that fail, and when: always, where no rule says so.
type Rules = BTreeMap<c_long, Vec<SeccompRule>>;

fn forbidden() -> Vec<c_long> {
    [FORBIDDEN, alteration::CALLS, alteration::OLD_CALLS].concat()
}

/// What clone3(2) is asked for is in memory, where no filter looks. The C library takes clone(2) where the
/// kernel does not know it.
fn unknown() -> Rules {
    Rules::from([(libc::SYS_clone3, Vec::new())])
}

fn filter(rules: Rules, errno: c_int, machine: TargetArch) -> Result<BpfProgram, BackendError> {
    let refuse = SeccompAction::Errno(errno.cast_unsigned());
    SeccompFilter::new(rules, SeccompAction::Allow, refuse, machine)?.try_into()
}

/// Has these calls fail, and those that have other numbers. The kernel tries a filter with every call
/// there is before it takes it; where seccompiler needs five instructions for a call, one will do.
fn none_of(calls: &[c_long]) -> BpfProgram {
    let calls = calls.iter().map(|call| (BPF_JEQ, *call as u32));
    // From the end, to which all jumps lead.
    let mut program = vec![
        instruction(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM.cast_unsigned()),
        instruction(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    ];
    for (comparison, number) in calls.chain([(BPF_JGE, OTHER_NUMBERS)]) {
        program.push(sock_filter {
            jt: (program.len() - 1) as u8,
            ..instruction(BPF_JMP | comparison | BPF_K, number)
        });
    }
    program.push(instruction(BPF_LD | BPF_W | BPF_ABS, 0));
    program.reverse();
    program
}

/// No jump is longer.
const _: () = {
    let calls = FORBIDDEN.len() + alteration::CALLS.len() + alteration::OLD_CALLS.len();
    assert!(calls < u8::MAX as usize);
};

fn instruction(code: u32, k: u32) -> sock_filter {
    // All codes fit.
    let code = code as u16;
    sock_filter {
        code,
        jt: 0,
        jf: 0,
        k,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IF_EQUAL: u32 = BPF_JMP | BPF_JEQ | BPF_K;
    const UNLESS_LESS: u32 = BPF_JMP | BPF_JGE | BPF_K;

    /// What a filter says of a call; its first instruction loads the number.
    fn verdict(program: &[sock_filter], call: u32) -> u32 {
        let mut at = 1;
        loop {
            let instruction = &program[at];
            let jumps = match u32::from(instruction.code) {
                IF_EQUAL => call == instruction.k,
                UNLESS_LESS => call >= instruction.k,
                _ => return instruction.k,
            };
            at += 1 + usize::from(if jumps { instruction.jt } else { 0 });
        }
    }

    #[test]
    fn what_is_forbidden_and_what_has_another_number_is_refused_and_nothing_else() {
        let calls = forbidden();
        let program = none_of(&calls);
        for call in (0..1000).chain([OTHER_NUMBERS - 1, OTHER_NUMBERS, u32::MAX]) {
            let is_forbidden = call >= OTHER_NUMBERS || calls.contains(&(call as c_long));
            let is_refused = verdict(&program, call) != SECCOMP_RET_ALLOW;
            assert_eq!(is_refused, is_forbidden, "{call}");
        }
    }
}
