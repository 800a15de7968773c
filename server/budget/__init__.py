"""What each player makes the server keep for good; pure."""
