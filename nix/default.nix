# All outputs of the flake, each from the file that makes it. Every file is a function of the packages and of crane, so that it
# can be evaluated with others: `cargo xtask nix-eval` does (standin.nix).
{
  pkgs,
  craneLib,
  # The time that a medium gets.
  epoch,
}: let
  sources = import ./sources.nix {inherit pkgs;};
  daemons = import ./daemons.nix {inherit pkgs craneLib sources;};
  xtask = import ./xtask.nix {inherit pkgs craneLib sources;};
  profile = import ./profile.nix {
    inherit pkgs sources xtask;
    inherit (daemons) programs;
  };
  oci = import ./oci.nix {
    inherit pkgs;
    inherit (daemons) programs bringup;
  };
in {
  packages =
    daemons
    // {
      inherit xtask profile oci;
      default = daemons.programs;
    };
  checks = import ./checks.nix {inherit pkgs craneLib sources xtask profile;};
  apps = import ./apps.nix {inherit pkgs profile epoch;};
  shell = import ./shell.nix {inherit pkgs craneLib;};
}
