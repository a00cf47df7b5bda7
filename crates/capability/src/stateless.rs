//! Servers that hold nothing between two calls.

/// Defines a server without state, configuration or needs: its type, its name, what it is for, and its tools. Its version
/// is that of the crate that defines it.
#[macro_export]
macro_rules! stateless {
    ($server:ident, $name:literal, $description:literal, [$($tool:ty),+ $(,)?]) => {
        struct $server;

        impl $crate::Server for $server {
            const NAME: &'static str = $name;
            const DESCRIPTION: &'static str = $description;
            const VERSION: &'static str = env!("CARGO_PKG_VERSION");
            type Config = $crate::NoConfig;

            fn open(_: Self::Config) -> ::std::result::Result<Self, $crate::BoxError> {
                Ok(Self)
            }

            fn tools(tools: &mut $crate::Tools<Self>) {
                $(tools.add::<$tool>();)+
            }
        }
    };
}
