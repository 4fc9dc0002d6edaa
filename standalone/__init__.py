"""ROS 2 from Python wheels: everything that runs recognizer_ros on a machine without ROS."""
