//! `Debug` that keeps personal data out of logs.

/// Implements `Debug` by the named fields, which say which value it is; what the
/// others hold is never shown.
macro_rules! discreet {
    ($($name:ident { $($field:ident),* })*) => { $(
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($name))
                    $(.field(stringify!($field), &self.$field))*
                    .finish_non_exhaustive()
            }
        }
    )* };
}

pub(crate) use discreet;
