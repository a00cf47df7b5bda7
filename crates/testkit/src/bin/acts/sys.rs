//! System calls that no safe wrapper makes, since trying them is what this program is for.

use std::{io, ptr};

/// Makes a system call with numbers and addresses as its arguments.
///
/// The arguments are chosen so that the kernel writes to no memory but that of the caller's own live buffers.
#[expect(unsafe_code, reason = "a probe of what a hostile process could ask of the kernel")]
pub(crate) fn call(number: i64, arguments: &[usize]) -> io::Result<usize> {
    let argument = |position| arguments.get(position).copied().unwrap_or(0);
    // SAFETY: see above; each act passes no address, or that of a live buffer.
    let result = unsafe {
        libc::syscall(
            number,
            argument(0),
            argument(1),
            argument(2),
            argument(3),
            argument(4),
            argument(5),
        )
    };
    usize::try_from(result).map_err(|_| io::Error::last_os_error())
}

/// The address of `value`, for a call that reads it.
pub(crate) fn address<T: ?Sized>(value: &T) -> usize {
    ptr::from_ref(value).cast::<()>().addr()
}

/// The address of `value`, for a call that writes to it.
pub(crate) fn address_mut<T: ?Sized>(value: &mut T) -> usize {
    ptr::from_mut(value).cast::<()>().addr()
}

/// -1, as a descriptor that is not one.
pub(crate) const NO_FD: usize = usize::MAX;

/// A number of the kernel as an argument.
#[expect(clippy::cast_sign_loss, reason = "the kernel reads the same bits")]
pub(crate) const fn bits(number: i32) -> usize {
    number as u32 as usize
}
