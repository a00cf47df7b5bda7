# The toolchain, and what `cargo xtask` looks for on the path. The rest it installs by itself, as Debian's packages and PyPI's and
# npm's: what of that is no static program needs a system with a loader where they expect it, which NixOS is not.
{
  pkgs,
  craneLib,
}:
craneLib.devShell {
  packages = [
    pkgs.git
    pkgs.nodejs
    pkgs.python3
    pkgs.strace
  ];
}
