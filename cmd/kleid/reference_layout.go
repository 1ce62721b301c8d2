package main

// referenceLayout explains --reference; datasets.Reference says it in full.
const referenceLayout = `The folder of --reference has photos and tables (CSV; the first line names the columns):
  clothing/images/, clothing/more/      photos of one garment each
  clothing/labels.csv, more.csv         image, label (Dress, or another garment)
  clothing/dress_boxes.csv              photo, x_min, y_min, x_max, y_max, fold
  ccp/photos/                           photos of people in the street
  ccp/dress_boxes.csv                   photo, x_min, y_min, x_max, y_max, fold; no box: no dress
  facets/labels.csv                     photo, x_min, y_min, x_max, y_max, is_dress (yes or no), fold,
                                        silhouette, neckline, sleeve, occasion, length; a dress at
                                        home without a box has that of clothing/dress_boxes.csv
  triplets/triplets.csv                 query, a, b, closer (a or b), confidence, fold
  held_back.txt                         photos to leave out, a line each; may be missing
Boxes are in pixels; fold is 0 to 4, or empty. Photos of facets, triplets and held_back.txt are paths
below the folder. A table that is needed and missing is an error that names it.`
