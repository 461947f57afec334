"""What apps share: pictures, jobs, the image viewer, and how Voila serves them."""
