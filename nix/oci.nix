# A container of the appliance's core, without systemd: `bringup` is its first process, as in `cargo xtask up`. It starts the
# gateway and the file server, starts them again when they end, makes the first key and prints it, and ends both at SIGTERM.
#
#     nix build .#oci && ./result | podman load
#     podman run --userns keep-id:uid=1000,gid=1000 --publish 127.0.0.1:8000:8000 \
#         --volume DIR:/files --volume llmbasedos:/state localhost/llmbasedos
#
# What holds there: every request needs the key, and Landlock and seccomp shut the file server into its folder, if the host's
# kernel and the container's own seccomp filter let it ask for that (else it refuses to start). What does not: the sandbox and
# the users of the units; both daemons run as one user, whom the container's walls alone keep from the host.
{
  pkgs,
  programs,
  bringup,
}: let
  user = "1000:1000";
in
  pkgs.dockerTools.streamLayeredImage {
    name = "llmbasedos";
    tag = "latest";
    contents = [programs];
    # Nobody but the user may enter the state, and both folders are his also where the volume is a new one.
    fakeRootCommands = ''
      mkdir -p state files tmp
      chown ${user} state files
      chmod 0700 state
      chmod 1777 tmp
    '';
    config = {
      User = user;
      WorkingDir = "/";
      Entrypoint = [
        "${bringup}/bin/bringup"
        "--programs"
        "${programs}/bin"
        "--state"
        "/state"
        "--root"
        "/files"
      ];
      # Inside of the container only; who may connect is said by `--publish`.
      # What is published comes to the container from a private address.
      Env = ["LLMBDO_GATEWAY_HOST=0.0.0.0" "LLMBASEDOS_PLAIN=private"];
      ExposedPorts = {"8000/tcp" = {};};
      Volumes = {
        "/state" = {};
        "/files" = {};
      };
    };
  }
