# What working on the project takes, but for what `cargo xtask tools` installs by itself.
{
  pkgs,
  craneLib,
}:
craneLib.devShell {
  packages = [
    pkgs.git
    pkgs.jq
    pkgs.curl
  ];
}
