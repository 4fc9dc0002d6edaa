"""Teach a robot what its camera sees, live."""

from pkgutil import extend_path

# The generated interfaces (recognizer_ros.msg, .srv, .action) are a second half of this package:
# from an installed workspace they lie in the same folder, from a source tree they do not.
__path__ = extend_path(__path__, __name__)
