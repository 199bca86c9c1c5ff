"""What the end-to-end and crash tests share: the server under test, clients, and makers of OCI content."""
