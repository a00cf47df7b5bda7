# The toolchain that `Cargo.toml` names, with what a static program needs. One more part of a version than is written there is
# the first release of it.
{pkgs}: let
  named = (pkgs.lib.importTOML ../Cargo.toml).workspace.package.rust-version;
  version =
    if builtins.match "[0-9]+[.][0-9]+" named == null
    then named
    else "${named}.0";
in
  pkgs.rust-bin.stable.${version}.minimal.override {
    extensions = ["clippy" "rustfmt"];
    targets = ["x86_64-unknown-linux-musl"];
  }
